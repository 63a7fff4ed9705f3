"""A small, realistic report: a wrist watch at 10 Hz, four activities."""

from dataclasses import replace

import numpy as np

from vqtext.reason import Reason, Step
from vqtext.report.content import Code, Confusion, Report, Sample, Score, Scores, ThresholdCurve
from vqtext.schema import Channel

LABELS = ("badminton", "running", "standing", "walking")
WATCH = tuple(
    Channel(f"{modality} {axis}", "wrist", modality, axis, unit)
    for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
    for axis in "xyz"
)
BODY = tuple(  # 45 channels, as five inertial units have
    Channel(f"{place} {modality} {axis}", place, modality, axis, "1")
    for place in ("torso", "right arm", "left arm", "right leg", "left leg")
    for modality in ("acc", "gyro", "mag")
    for axis in "xyz"
)
PHRASES = ("swing the arm forward", "swing the arm back", "shift the weight")


def make_signal(channels: int = 6, steps: int = 100) -> np.ndarray:
    t = np.arange(steps) / 10
    rows = [np.sin(2 * np.pi * t * (0.8 + 0.1 * c) + c) * (c + 1) for c in range(channels)]
    return np.array(rows, np.float32).reshape(channels, steps)


def make_reason(label: str = "walking", phrases: tuple[str, ...] = PHRASES, steps: int = 16) -> Reason:
    length = 10 / steps
    return Reason(
        label,
        0.97,
        tuple(
            Step(
                phrases[i % len(phrases)],
                i * length,
                (i + 1) * length,
                0.9 - 0.01 * i,
                inferred=i % len(phrases) == 2,
            )
            for i in range(steps)
        ),
    )


def make_sample(index: int = 0, true_label: str | None = "walking", **changes: object) -> Sample:
    return replace(Sample(index, make_signal(), 10.0, WATCH, make_reason(), true_label), **changes)


def make_code(index: int = 0, usage: float = 0.1, **changes: object) -> Code:
    return replace(
        Code(
            index,
            PHRASES[index % 3],
            make_signal(6, 16) + index,
            usage,
            WATCH,
            (PHRASES[index % 3], PHRASES[(index + 1) % 3]),
            "stand still",
            0.9,
            {"walking": 0.8, "running": 0.2},
            1.2,
        ),
        **changes,
    )


def make_report(**changes: object) -> Report:
    score = Score(0.95, 0.02, (0.93, 0.95, 0.97))
    report = Report(
        title="BasicMotions, in words",
        dataset="BasicMotions",
        run="default",
        created="2026-01-01 12:00 UTC",
        encoder="MiniLM",
        labels=LABELS,
        scores={name: Scores(score, score) for name in ("tokens", "histogram", "decoding")},
        split="The data set's own split.",
        selection="The epoch with the best validation accuracy.",
        seeds=(0, 1, 2),
        confusion=Confusion("tokens", np.array([[9, 0, 0, 1], [0, 10, 0, 0], [0, 0, 10, 0], [0, 2, 0, 8]])),
        samples=(make_sample(3), make_sample(7, "running"), make_sample(9, None)),
        codebook=tuple(make_code(i, usage=max(0, 40 - i) / 820) for i in range(64)),
        threshold=ThresholdCurve(np.linspace(0.5, 1, 11), np.arange(20, 31), 0.85, 27),
        settings={"train": {"epochs": 60, "seeds": [0, 1, 2]}, "data": {"name": "basic_motions"}},
        versions={"vqtext": "0.1.0"},
        notes=("One wrist watch.",),
    )
    return replace(report, **changes)
