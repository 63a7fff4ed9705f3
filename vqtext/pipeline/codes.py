"""``vqtext codes``: what each code of a codebook is called, how surely, and whether the decoding agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.console.text import cut_short, table
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.inspection.check_directions import check_directions, direction_lines
from vqtext.pipeline.inspection.check_durations import check_durations, duration_lines
from vqtext.pipeline.inspection.check_levels import check_levels, level_lines
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.pipeline.inspection.rejected_cells import rejected_cells
from vqtext.pipeline.training.sampling import few_of_each
from vqtext.pipeline.training.trained_run import open_trained
from vqtext.reason import BY_INFERENCE, UNKNOWN_NAME
from vqtext.report.content import Code
from vqtext.schema import Rows
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import Tokens, VQText

WINDOWS_PER_LABEL = 200  # training windows of a label that are enough to know how a code is used
HEADER = ("code", "name", "sure", "else", "purity", "agrees", "used", "lasts", "in")
MAX_LABELS = 3  # labels of a code that its line shows


def codes(settings: Settings, words: bool = False) -> dict[str, Any]:
    """The codebook of a run in words, measured on windows of its own training; no test window is looked at.

    Args:
        settings: cache, run and ``explain.code_confidence``.
        words: hold each level of motion that was written against the one that is found, too.

    Returns:
        The whole ``--json`` answer. Of a run of folds, the first fold's best model is described.

    Raises:
        ArtifactError: there is no run, or it is stale or damaged.
    """
    trained = open_trained(settings)
    run, windows, fold = trained.run, trained.windows, trained.folds[0]
    model = trained.model(fold)
    least = settings.explain.code_confidence
    found = describe_codes(model, windows, fold.split.learn, least)
    used = sorted((code for code in found if code.usage > 0), key=lambda code: -code.usage)
    answer: dict[str, Any] = {
        "run": run["run"],
        "model": fold.best,
        "folds": len(run["splits"]) if fold.split.how == "folds" else None,
        "code_confidence": least,
        "agreement": _mean([(code.usage, code.agreement) for code in used]),
        "unused": len(found) - len(used),
        "codes": [_entry(code, model.vocabulary.displays()) for code in used],
    }
    if words:
        from vqtext.pipeline.evaluation.retraining import settings_of  # needs torch

        cells = rejected_cells(windows, fold.split, settings_of(run, settings, without_text=False))
        steps = DecodedSteps.of(model, windows, fold.split.train, trained.words(fold), cells)
        answer |= {
            "words": check_levels(steps),
            "directions": check_directions(steps),
            "durations": check_durations(steps),
        }
    return answer


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `codes` for people: the words alone where they were asked for."""
    if "words" in answer:
        return [
            *duration_lines(answer["durations"]),
            *direction_lines(answer["directions"]),
            *level_lines(answer["words"]),
        ]
    rows: list[Sequence[str]] = [HEADER]
    for code in answer["codes"]:
        where = sorted(code["labels"].items(), key=lambda entry: -entry[1])[:MAX_LABELS]
        inferred = f" ({BY_INFERENCE})" * code["inferred"]
        rows.append(
            (
                str(code["code"]),
                cut_short(" → ".join(code["shown"]), 72) + inferred,
                _score(code["confidence"]),
                cut_short(code["runner_up"] or "", 36),
                _score(code["purity"]),
                _score(code["agreement"]),
                f"{100 * code['usage']:.1f} %",
                f"{code['mean_duration_s']:.2f} s",
                cut_short(", ".join(f"{label} {100 * share:.0f} %" for label, share in where), 60),
            )
        )
    unknown = sum(code["name"] == UNKNOWN_NAME for code in answer["codes"])
    lines = [
        f"{answer['run']}/{answer['model']}: {len(answer['codes'])} codes in use, {answer['unused']} never"
    ]
    if answer["folds"]:
        lines.append(
            f"each of the {answer['folds']} folds has a codebook of its own: this is the first one's"
        )
    lines += table(rows)
    lines.append(
        "agrees: how often the decoding, which sees a token's neighbours, says there what its code says"
        + (f"; {_score(answer['agreement'])} over all" if answer["agreement"] is not None else "")
    )
    if unknown:
        lines.append(
            f"less sure than {answer['code_confidence']:g}, so unknown and not guessed: {unknown} codes"
        )
    return lines


def describe_codes(model: VQText, windows: Windows, learn: np.ndarray, least: float) -> list[Code]:
    """Each code of the codebook: its shape, its own names, and how it is used in training windows.

    Args:
        learn: places of the windows the model was made of; `WINDOWS_PER_LABEL` of each label are looked at.
        least: confidence below which a name is `UNKNOWN_NAME`.
    """
    import torch

    shown = learn[few_of_each(windows.label[learn], WINDOWS_PER_LABEL)]
    tokens = model.tokenize(windows.signal, shown)
    decoded = model.decode(windows.signal, shown)
    with torch.no_grad():
        names = model.network.code_names().numpy()  # (codes, S, K)
        shapes = model.network.code_shapes().numpy()
    anchors, config = model.vocabulary.anchors, model.config
    uses = [use for transcript in model.vocabulary.transcripts for use in transcript.uses]
    inferred = {use.anchor for use in uses if use.inferred}
    called, shown_names = _named(names, least), [*anchors, UNKNOWN_NAME]
    votes = decoded_names(tokens, np.where(decoded.keep, decoded.anchor, -2), *names.shape)
    count = np.bincount(tokens.code[tokens.code >= 0], minlength=len(names))
    label = np.broadcast_to(windows.label[shown][:, None], tokens.code.shape)
    found = []
    for i, (own, vote) in enumerate(zip(names, votes, strict=True)):
        sequence, sure, mean = own.argmax(1), own.max(1), own.mean(0)
        rest = [k for k in np.argsort(-mean, kind="stable").tolist() if k not in sequence]
        known, best, total = float(sure.mean()) >= least, int(mean.argmax()), vote.sum()
        here = tokens.code == i
        where = np.bincount(label[here], minlength=len(config.labels)) / max(count[i], 1)
        found.append(
            Code(
                index=i,
                name=anchors[best] if known else UNKNOWN_NAME,
                shape=shapes[i],
                usage=float(count[i] / max(count.sum(), 1)),
                channels=config.channels if config.joint else (),
                sequence=tuple(shown_names[k] for k in called[i]),
                confidence=float(sure.mean()),
                runner_up=anchors[rest[0]] if rest else None,
                purity=float(vote.max(1).sum() / total) if total else None,
                agreement=float(vote[np.arange(len(sequence)), sequence].sum() / total) if total else None,
                decoded=tuple(shown_names[k] for k in vote.argmax(1)) if total else (),
                labels={config.labels[k]: float(v) for k, v in enumerate(where) if v > 0},
                mean_duration_s=float(tokens.l[here].mean()) * config.window_s if here.any() else None,
                inferred=known and best in inferred,
            )
        )
    return found


def token_names(model: VQText, signal: Rows, index: np.ndarray, least: float) -> list[dict[str, Any]]:
    """What each token's code calls itself and what the decoding says there, sub-step by sub-step, in order.

    Args:
        signal: ``(n, C, T)``; index: the window, ``(1,)``.
        least: confidence below which a name is `UNKNOWN_NAME`.
    """
    import torch

    tokens, decoded = model.tokenize(signal, index), model.decode(signal, index)
    with torch.no_grad():
        own = _named(model.network.code_names().numpy(), least)
    names, substeps, length = [*model.vocabulary.anchors, UNKNOWN_NAME], own.shape[1], model.config.window_s
    found = []
    for m in np.argsort(tokens.t[0], kind="stable"):
        for s in range(substeps):
            frame = _middle(tokens, s, substeps, decoded.keep.shape[1])[0, m]
            if tokens.code[0, m] >= 0 and decoded.keep[0, frame]:
                begin = float(tokens.t[0, m] + tokens.l[0, m] * s / substeps) * length
                found.append(
                    {
                        "code": int(tokens.code[0, m]),
                        "start_s": round(begin, 3),
                        "end_s": round(begin + float(tokens.l[0, m]) / substeps * length, 3),
                        "name": names[own[tokens.code[0, m], s]],
                        "decoded": names[decoded.anchor[0, frame]],
                    }
                )
    return found


def decoded_names(tokens: Tokens, anchor: np.ndarray, codes: int, substeps: int, anchors: int) -> np.ndarray:
    """How often the decoding says each name in the middle of each sub-step of each code,
    ``(codes, S, K + 1)``; the last name is unknown.

    Args:
        anchor: what the decoding says at each frame, ``(n, F)``, −1 where that is unknown, less outside the
            window.
    """
    count = np.zeros((codes, substeps, anchors + 1), dtype=np.int64)
    for s in range(substeps):
        name = np.take_along_axis(anchor, _middle(tokens, s, substeps, anchor.shape[1]), axis=1)
        mask = (tokens.code >= 0) & (name >= -1)
        np.add.at(count[:, s], (tokens.code[mask], np.where(name < 0, anchors, name)[mask]), 1)
    return count


def _middle(tokens: Tokens, substep: int, substeps: int, frames: int) -> np.ndarray:
    """Frame in the middle of that sub-step of each token, ``(n, M)``."""
    middle = tokens.t + tokens.l * (substep + 0.5) / substeps
    return np.clip((middle * frames).astype(int), 0, frames - 1)


def _named(names: np.ndarray, least: float) -> np.ndarray:
    """The anchor of each sub-step of each code, −1 where it, or the whole code, is less sure than ``least``:
    ``(codes, S, K)`` → ``(codes, S)``."""
    sure = names.max(2)
    known = (sure >= least) & (sure.mean(1, keepdims=True) >= least)
    return np.where(known, names.argmax(2), -1)


def _entry(code: Code, displays: Mapping[str, str]) -> dict[str, Any]:
    """A code as plain data; ``shown`` is its sequence as people read it, without repetitions."""
    shown = [displays.get(name, name) for name, _ in groupby(code.sequence)]
    return {
        "code": code.index,
        "name": code.name,
        "sequence": list(code.sequence),
        "shown": shown,
        "confidence": code.confidence,
        "runner_up": code.runner_up,
        "purity": code.purity,
        "agreement": code.agreement,
        "decoded": list(code.decoded),
        "usage": code.usage,
        "labels": dict(code.labels),
        "mean_duration_s": code.mean_duration_s,
        "inferred": code.inferred,
    }


def _mean(weighted: Sequence[tuple[float, float | None]]) -> float | None:
    known = [(weight, value) for weight, value in weighted if value is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / total if total else None


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
