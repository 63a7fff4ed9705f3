"""Asking a language model: many questions at once, each reply checked, none paid for twice.

`ask_all` in `ask` is the way in; a `Question` says what is asked and what a good reply is.
"""
