"""What a model says as matplotlib axes: plain results in, `Axes` out.

Each function draws into the ``ax`` it is given, or into a figure of its own, one journal column wide with
texts of 8 pt: ``vqtext.plot.reason(…).figure.savefig("reason.pdf")``. Such a figure is none of pyplot's, so
that none stays open, and no setting of matplotlib's is changed. Colours and hatches are the report's.
"""

from vqtext.plot.matrices import confusion
from vqtext.plot.shapes import codes
from vqtext.plot.spread import code_map, code_maps, durations
from vqtext.plot.trends import threshold_curve, training_curves
from vqtext.plot.windows import reason

__all__ = [
    "code_map",
    "code_maps",
    "codes",
    "confusion",
    "durations",
    "reason",
    "threshold_curve",
    "training_curves",
]
