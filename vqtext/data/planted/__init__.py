"""The planted world: a simulated body whose sub-actions are known at every sample.

``body`` turns joint angles into what sensors measure, ``world`` says which movements there are and how labels
are made of them, ``simulate`` lets a person do them, ``reader`` hands the recordings out. Names are measured
here: the truth is for measuring only.
"""
