"""The card of a model: what it reads, what it says, and how well, as far as that was measured."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vqtext
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.errors import ArtifactError
from vqtext.pipeline.evaluation.tables import with_spread

if TYPE_CHECKING:
    from vqtext.model.config import ModelConfig
    from vqtext.model.load import VQText

FILES = ("model.safetensors", "config.json", "anchors.json")
TAGS = ("time-series", "time-series-classification", "sensors", "interpretability", "vqshape")
_HOW = {
    "subjects": "on people that it was not trained on",
    "folds": "in folds over people, each tested by a model that was not trained on them; this is one",
    "own": "on the test part of the data set's own split",
    "random": "on windows drawn at random, whose people may have been in training: others may fare worse",
    "time": "on what comes last of each recording, of the people that it was trained on",
}

_LIMITS = [
    "- It knows the labels above and no other: what is none of them is given one of them all the same. "
    "`familiar` in its answer falls below 1 where a window is unlike those of training.",
    "- It takes the channels above, in their units and at their rate; `model.arrange` brings another "
    "set-up into their order. Other places on the body, sensors or people may be read worse.",
    "- A name is what its words and the training windows made of a step; where the scores say nothing of "
    "names against a truth, nobody has measured how often they are true.",
]


def model_card(
    model: VQText, folder: Path | str, license: str | None = None, repo_id: str | None = None
) -> str:
    """The card of a model as Markdown, for ``README.md`` beside it.

    Scores are those of the ``evaluate.json`` of the run that the model was loaded from. Where there is none,
    or the files in ``folder`` are not those that it scored, the card says that no score is known.

    Args:
        folder: where the model was saved.
        license: as the hub calls it, such as ``mit``.
        repo_id: its name on the hub.
    """
    head = {"library_name": "vqtext", "tags": [*TAGS], **({"license": license} if license else {})}
    anchors = [(str(number), phrase) for number, phrase in enumerate(model.vocabulary.anchors)]
    sections = {
        "Channels": _table(("name", "location", "modality", "axis", "unit"), _channel_rows(model)),
        "Labels and their steps": _table(("label", "steps (↻: over and over)"), _step_rows(model)),
        "Anchors": _table(("number", "phrase"), anchors),
        "Scores": _scores(model.folder, Path(folder)),
        "Limits": _LIMITS,
    }
    lines = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in head.items()),
        "---",
        "",
        *_usage(model.config, repo_id),
    ]
    for title, section in sections.items():
        lines += ["", f"## {title}", "", *section]
    return "\n".join(lines) + "\n"


def _usage(config: ModelConfig, repo_id: str | None) -> list[str]:
    count = len(config.channels)
    return [
        f"# {_plain(repo_id or 'A vqtext model')}",
        "",
        f"Reads windows of {config.window_s:g} s at {config.rate_hz:g} Hz ({config.steps} samples) of "
        f"{count} channels, and says which of {len(config.labels)} labels each is, by which steps, "
        f"in order and with times. Written by vqtext {vqtext.__version__}.",
        "",
        "```python",
        "from vqtext.model.load import VQText",
        "",
        f"model = VQText.from_pretrained({json.dumps(repo_id or 'OWNER/NAME or folder')})",
        f"print(model.explain(signal)[0])  # signal: (channels, samples) = ({count}, {config.steps})",
        "```",
    ]


def _channel_rows(model: VQText) -> list[tuple[str, ...]]:
    return [
        (
            c.name,
            c.location,
            c.modality,
            c.axis,
            c.unit + ("" if c.gravity or c.modality != "acc" else ", no gravity"),
        )
        for c in model.config.channels
    ]


def _step_rows(model: VQText) -> list[tuple[str, ...]]:
    anchors = model.vocabulary.anchors
    return [
        (t.label, " → ".join(anchors[use.anchor] for use in t.uses) + (" ↻" if t.cyclic else ""))
        for t in model.vocabulary.transcripts
    ]


def _scores(source: Path | None, written: Path) -> list[str]:
    """What ``vqtext evaluate`` found of the model whose files lie in ``written``, loaded from ``source``."""
    from vqtext.pipeline.evaluate import Evaluate

    source = source.resolve() if source is not None else Path()
    for run in source.parents[:2]:
        if not (run / "evaluate.json").exists() or not (run / "run.json").exists():
            continue
        try:
            files = json.loads((run / "run.json").read_text(encoding="utf-8"))["files"]
            found = json.loads((run / "evaluate.json").read_text(encoding="utf-8"))
            place = source.relative_to(run).as_posix()
            same = all(files[f"{place}/{name}"] == file_fingerprint(written / name) for name in FILES)
            if not same or file_fingerprint(run / "run.json") not in found["inputs"].values():
                why = "is of other files than this model's"
            elif found["made_by"] != f"{Evaluate.command} {Evaluate.version}":
                why = "was written by another version of vqtext"
            else:
                return [*_measured(found)]
        except (ArtifactError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            why = f"cannot be read ({type(error).__name__})"
        warnings.warn(
            f"{run / 'evaluate.json'} {why}: no score goes into the card; run `vqtext evaluate`", stacklevel=2
        )
    return ["No score is known: no evaluation of exactly this model was found beside it."]


def _measured(found: Mapping[str, Any]) -> Iterator[str]:
    """Scores of an ``evaluate.json``. Who was tested is counted, not named: ids may be names of people."""
    people, folds, seeds = len(found["test_subjects"]), found["folds"], len(found["seeds"])
    dataset = _plain(found["dataset"])
    parts = [f"Measured by `vqtext evaluate` on {found['test_windows']} windows of {dataset}"]
    parts += [f"{people} {'person' if people == 1 else 'people'}"] if people else []
    parts += [f"{folds} folds"] if folds else []
    parts += [_HOW[found["split"]]]
    parts += [f"mean and spread of models of {seeds} seeds, of which this is one"] if seeds > 1 else []
    yield f"{', '.join(parts)}."
    yield ""
    of_class = found["classification"]["decoding"]
    rows = {
        "accuracy of the class": of_class["accuracy"],
        "macro-F1 of the class": of_class["macro_f1"],
        "calibration error of the class": found["ece"],
    }
    names = found["grounding"]
    if names:
        rows["share of the time whose step is named right"] = names["named_accuracy"]
        rows["the same, each true step counted alike"] = names["named_recall"]
    yield from _table(("measure", "value"), [(name, with_spread(value)) for name, value in rows.items()])
    if not names:
        yield ""
        yield "Names of steps were not held against any truth."


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    ruled = [head, ["---"] * len(head), *([_plain(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(row)} |" for row in ruled]


def _plain(text: str) -> str:
    """Text that Markdown and HTML take for nothing but text, in one line."""
    return re.sub(r"([\\`*{}\[\]<>#|~!&]|\b_|_\b)", r"\\\1", " ".join(text.split()))
