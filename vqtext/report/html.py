"""`render`: a `Report` becomes one HTML page that needs nothing but itself.

Names, labels and settings come from files and language models, so nothing of them is trusted: every value is
escaped by the templates, ids and classes are numbers, and the content security policy lets exactly one script
run, ours, known by its hash.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import vqtext
from vqtext.reason import digits
from vqtext.report import palette
from vqtext.report.content import Code, Confusion, Report, Sample
from vqtext.report.figures import CODE_PANELS, code_figures, curve_figure, recording_figure, signal_figure
from vqtext.report.palette import numbered

TEMPLATES = Path(__file__).parent / "templates"
STEPS = 10  # steps of a reason that are open at once
CODES = 24  # codes that are open at once
STRETCHES = 20  # stretches of a recording that are open at once
MISTAKES = 8  # most frequent mistakes that are put into words
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

CLASSIFIERS = {
    "tokens": "its tokens, with all their attributes",
    "histogram": "how often each code occurs",
    "head": "a layer over all tokens read together, which decides nothing but what follows",
    "steps": "the label whose chain of named steps explains the window best",
    "decoding": "the same; among labels of the same steps, the head chooses",
}


def render(report: Report) -> str:
    """The page. Works without script, without network, on paper, and for a screen reader."""
    codes = sorted((code for code in report.codebook if code.usage > 0), key=lambda code: -code.usage)
    names = numbered(_names(report, codes))
    labels = numbered(_labels(report, codes))
    looks = {label: len(names) + number for label, number in labels.items()}  # of classes in a figure
    curve = report.threshold
    script = (TEMPLATES / "report.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            version=vqtext.__version__,
            names=names,
            labels=labels,
            recordings=[(one, recording_figure(one, looks)) for one in report.recordings],
            looks=looks,
            samples=[
                (sample, signal_figure(sample, names), _shown(report, sample)) for sample in report.samples
            ],
            codes=list(zip(codes, code_figures(codes, names), strict=True)),
            curve=curve_figure(curve) if curve and len(curve.counts) else None,
            mistakes=_mistakes(report.confusion, report.labels)[:MISTAKES] if report.confusion else [],
            settings=list(_leaves(report.settings)),
            classifiers=CLASSIFIERS,
            palette=palette,
            pairs=zip,
            limits={"steps": STEPS, "codes": CODES, "panels": CODE_PANELS, "stretches": STRETCHES},
            style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
            script=Markup(script),
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _shown(report: Report, sample: Sample) -> Mapping[str, str]:
    """Name → what people are shown instead on this window's card: first of all what its own steps say."""
    own = {step.name: step.display for step in sample.reason.steps if step.display is not None}
    return {**report.shown_names, **own}


def _names(report: Report, codes: list[Code]) -> Iterator[str]:
    """In reading order, so that the first cards get the plainest looks."""
    for sample in report.samples:
        for reason in filter(None, (sample.reason, sample.reason.runner_up)):
            yield from (step.name for step in reason.steps)
    for code in codes:
        yield from (code.name, *code.sequence)


def _labels(report: Report, codes: list[Code]) -> Iterator[str]:
    yield from report.labels
    for recording in report.recordings:
        yield from (stretch.label for stretch in recording.stretches)
    for sample in report.samples:
        yield from (label for label in (sample.true_label, sample.reason.label) if label is not None)
    for code in codes:
        yield from code.labels


def _mistakes(confusion: Confusion, labels: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """(true, read, windows), the most frequent first."""
    mistakes = [
        (true, read, int(count))
        for true, row in zip(labels, confusion.counts, strict=True)
        for read, count in zip(labels, row, strict=True)
        if true != read and count > 0
    ]
    return sorted(mistakes, key=lambda mistake: -mistake[2])


def _leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", str(value)


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters |= {"score": _score, "share": _share, "seconds": _seconds, "digits": digits}
    return environment


def _printable(value: object) -> object:
    """Leave out what no page can hold: control characters and halves of surrogate pairs."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return UNPRINTABLE.sub(" ", value)


def _score(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def _share(value: float) -> str:
    percent = 100 * value
    if not math.isfinite(percent):
        return "–"
    return "< 0.1 %" if 0 < percent < 0.1 else f"{percent:.1f} %" if percent < 10 else f"{percent:.0f} %"


def _seconds(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}"
