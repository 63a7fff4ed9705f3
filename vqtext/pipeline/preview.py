"""Names in seconds: what words, sensors and order say of the training windows, before training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.publish import publish
from vqtext.console.text import cut_short, table
from vqtext.data.splits.folds import splits_for
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.inspection.check_directions import check_directions, direction_lines
from vqtext.pipeline.inspection.check_durations import check_durations, duration_lines
from vqtext.pipeline.inspection.check_levels import check_levels, level_lines
from vqtext.pipeline.inspection.check_lines import STEP_HEADER, step_rows
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.pipeline.inspection.preview_page import page
from vqtext.pipeline.training.e_step_alone import check_signatures_are_read, posterior_of
from vqtext.pipeline.training.lint_run import warnings_of_words
from vqtext.pipeline.training.run_words import resolved_words, without_steps
from vqtext.pipeline.vocabulary.anchor_words import Words, read_words
from vqtext.report.html import render
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.config import ModelConfig
    from vqtext.model.grounding.e_step import Posterior
    from vqtext.model.training.training_data import TrainingData


def preview(settings: Settings) -> dict[str, Any]:
    """What each step is found to be in the windows that a training would learn from.

    No network is trained, no test window is looked at, and nothing is written but ``preview.html``: some of
    those windows, drawn. Of a split into folds, the first one's training windows are looked at.

    Returns:
        The whole ``--json`` answer. ``steps``: for each ``label`` and ``phrase`` its share of the label's
        ``time``, how many ``seconds`` it lasts on average, None where fewer than two whole ones were seen,
        and how ``sure`` its moments are, from 0 to 1; ``absent``: steps that were not found;
        ``never``: those that corrections.json says never happen; ``joined``:
        steps that nothing tells apart; ``levels``, ``directions`` and ``durations`` as in ``vqtext codes
        --words``; ``warnings`` of the words, as ``vqtext train`` gives them; ``report``: where the page is.

    Raises:
        ArtifactError: windows, texts or anchors are missing or stale.
        ConfigError: the grounding reads no signatures.
        WordsError: no signature speaks of a sensor that is there.
    """
    from vqtext.pipeline.training.assemble import training_data, without_text

    check_signatures_are_read(settings)
    windows = read_windows(settings.cache / "windows.h5")
    split = splits_for(windows, settings.train)[0]
    config, data = training_data(windows, split, without_text(settings))
    evidence, row = data.evidence_of(data.train)
    posterior = posterior_of(evidence, data.grammar, settings)
    read = read_words(settings.cache / "anchors.h5", windows.labels)
    whole = resolved_words(read, windows, split.learn, settings.train, data.round_s)
    found = _decoded(windows, data.train[row >= 0], whole.words, config, data, posterior)
    sure = posterior.states.float().amax(-1).numpy()
    report = settings.cache / "preview.html"
    missing = [sorted({*left} - {*never}) for left, never in zip(data.absent, data.never, strict=False)]
    answer = {
        "split": split.how,
        "windows": len(found.train),
        "steps": _steps(found, sure),
        "absent": _steps_at(windows.labels, whole.words, missing),
        "never": _steps_at(windows.labels, whole.words, data.never),
        "joined": [{"label": windows.labels[join.label], "name": join.name} for join in whole.joined],
        "durations": check_durations(found),
        "directions": check_directions(found),
        "levels": check_levels(found),
        "warnings": warnings_of_words(settings, windows),
        "report": str(report),
    }
    with publish(report) as beside:
        html = render(page(found, sure, config, data.vocabulary, settings, answer))
        beside.write_text(html, encoding="utf-8")
    return answer


def _steps_at(labels: Sequence[str], words: Words, places: Sequence[Sequence[int]]) -> list[dict[str, str]]:
    """The steps of each label at these places."""
    return [
        {"label": label, "phrase": own[place][1].phrase}
        for label, own, left in zip(labels, words.uses, places, strict=False)
        for place in left
    ]


def _decoded(
    windows: Windows,
    places: Tensor,
    words: Words,
    config: ModelConfig,
    data: TrainingData,
    posterior: Posterior,
) -> DecodedSteps:
    """The likeliest step of each moment, as a trained model's decoding would say it.

    Args:
        places: of the windows of the posterior, among those of the data.
    """
    train, words = data.rows[places.numpy()], without_steps(words, data.absent)
    label, anchor_of_frame = windows.label[train], posterior.anchors().numpy()
    use = np.full(anchor_of_frame.shape, -1)
    for i, row in enumerate(data.grammar.state):
        own = label == i
        of_label = posterior.states[own][..., row[: len(words.uses[i])]].float().numpy()
        likeliest = of_label.argmax(-1)
        anchor = data.grammar.anchor[i].numpy()[likeliest]
        # else it is a step of a neighbouring label
        use[own] = np.where(anchor == anchor_of_frame[own], likeliest, -1)
    keep = data.frame_keep[places].numpy() & posterior.known.numpy()[:, None]
    decoded: Any = SimpleNamespace(label=label, use=use, anchor=anchor_of_frame, keep=keep)
    return DecodedSteps(windows, words, train, train, decoded, config.frames, config.window_s / config.frames)


def _steps(found: DecodedSteps, sure: np.ndarray) -> list[dict[str, Any]]:
    """``sure``: how likely the likeliest step of each moment is, ``(n, F)``."""
    windows, steps = found.windows, []
    for i, own in enumerate(found.words.uses):
        here = (found.decoded.label == i)[:, None] & found.decoded.keep
        for u, ((_, step), seconds) in enumerate(zip(own, found.seconds(i), strict=True)):
            mine = here & (found.decoded.use == u)
            steps.append(
                {
                    "label": windows.labels[i],
                    "phrase": step.phrase,
                    "time": float(mine.sum() / max(here.sum(), 1)),
                    "seconds": None if np.isnan(seconds) else round(seconds, 3),
                    "sure": float(sure[mine].mean()) if mine.any() else None,
                }
            )
    return steps


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `preview` for people."""
    shown = [
        (cut_short(label, 30), cut_short(phrase, 60), *rest)
        for label, phrase, *rest in step_rows(answer["steps"])
    ]
    text = [f"{answer['windows']} training windows, by words, sensors and order alone:"]
    text += table([STEP_HEADER, *shown])
    for key, name, what in (
        ("absent", "phrase", "not found, and left out by training"),
        ("never", "phrase", "left out, since corrections.json says that they never happen"),
        ("joined", "name", "one step, since nothing tells them apart"),
    ):
        if names := [f"{step['label']}: {cut_short(step[name], 60)}" for step in answer[key]]:
            text.append(f"{what}: {'; '.join(names)}")
    text += [
        *duration_lines(answer["durations"]),
        *direction_lines(answer["directions"]),
        *level_lines(answer["levels"]),
        *(f"warning: {warning}" for warning in answer["warnings"]),
    ]
    if answer["split"] == "random":
        text.append(
            "these windows were chosen at random: people whose windows you look at now are no test later; "
            "say --test-subjects, as for train"
        )
    return [*text, f"report: {Path(answer['report']).resolve()}"]
