"""Which movements there are, how labels are made of them, and what may be chosen.

A movement names where some joints go; the others stay. So a step that is only passed through may be skipped
(the next one starts further away), and a step and its return are skipped or repeated together, as a `Part`.

Three worlds:

- ``identifiable``: twelve anchors; sensors on feet, wrists and lower back distinguish everything.
- ``mirrored``: labels that are their own mirror images, seen from the lower back only. Levels of motion do
  not distinguish left from right there.
- ``unordered``: in the cycle of one label all six steps move the same hand alike: they can be told apart by
  where the cycle begins, which is written nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Movement:
    """One sub-action of the body.

    Attributes:
        to: joint of `body.DOFS` → where it goes; "dominant …" is the subject's own side.
        seconds: how long it usually takes a grown-up.
        strikes: the foot that meets the ground at its end.
    """

    to: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.7
    strikes: str | None = None


@dataclass(frozen=True)
class Part:
    """Steps that are done, skipped and repeated together; ``skip`` and ``again`` are probabilities."""

    phrases: tuple[str, ...]
    skip: float = 0.0
    again: float = 0.0


@dataclass(frozen=True)
class Label:
    """An activity: its parts in order, and the posture from which it begins."""

    parts: tuple[Part, ...]
    cyclic: bool = True
    start: Mapping[str, float] = field(default_factory=dict)

    @property
    def phrases(self) -> tuple[str, ...]:
        return tuple(phrase for part in self.parts for phrase in part.phrases)


@dataclass(frozen=True)
class World:
    """Labels by name, and the places that have a sensor."""

    labels: Mapping[str, Label]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Options:
    """What may be chosen; the keys of a world's TOML file.

    Attributes:
        world: of `WORLDS`.
        seed: everything follows from it.
        subjects: how many people.
        minutes: of recording for each.
        rate_hz: samples a second.
        sensors: places that have a sensor; empty: as the world has it.
        magnetometer: whether the sensors have one.
        children: share of subjects aged 6 to 12.
        left_handed: share of left-handed subjects.
        variation: how much people, and repetitions of one person, differ; 1 is usual, 0 is none.
        sway: unrest of the whole body; 1 is usual.
        noise: of the sensors, with bias and gain; 1 is usual.
        rotation_deg: how far a sensor is turned on its segment.
        misplaced: share of sensors that are put on turned any way round, and 5 cm off.
        missing: share of samples that are lost, in bursts.
        dead: share of sensors that are dead for a whole recording.
    """

    world: Literal["identifiable", "mirrored", "unordered"] = "identifiable"
    seed: int = 0
    subjects: int = 12
    minutes: float = 4.0
    rate_hz: float = 50.0
    sensors: tuple[str, ...] = ()
    magnetometer: bool = False
    children: float = 0.25
    left_handed: float = 0.25
    variation: float = 1.0
    sway: float = 1.0
    noise: float = 1.0
    rotation_deg: float = 8.0
    misplaced: float = 0.0
    missing: float = 0.0
    dead: float = 0.0


def _leg(side: str, other: str) -> dict[str, Movement]:
    """Kick one leg while standing on the other: the hips go over the standing foot first."""
    y, foot = (1 if side == "left" else -1), f"{side} foot"
    return {
        f"lift the {side} knee up": Movement(
            {
                f"{foot} up": 0.17, f"{foot} forward": 0.06, f"{foot} pitch": 0.8, "hips left": -0.03 * y,
                "hips roll": 0.1 * y, "hips pitch": -0.06, f"{other} shoulder flex": 0.25,
            },
            0.6,
        ),
        f"reach the {side} heel forward": Movement(
            {f"{foot} up": 0.09, f"{foot} forward": 0.26, f"{foot} pitch": -0.2, "chest pitch": 0.04}, 0.6
        ),
        f"plant the {side} foot": Movement(
            {
                f"{foot} up": 0, f"{foot} forward": 0, f"{foot} pitch": 0, "hips left": 0, "hips roll": 0,
                "hips pitch": 0, "chest pitch": 0, f"{other} shoulder flex": 0,
            },
            0.6,
            side,
        ),
    }  # fmt: skip


def _arm(side: str) -> dict[str, Movement]:
    y = 1 if side == "left" else -1
    return {
        f"{side} arm lifts out to the side": Movement(
            {f"{side} shoulder out": 1.5, "hips roll": 0.04 * y, "chest roll": 0.05 * y}, 0.8
        ),
        f"{side} arm holds out sideways": Movement({}, 1.0),
        f"{side} hand drops to the side": Movement(
            {f"{side} shoulder out": 0, "hips roll": 0, "chest roll": 0}, 0.7
        ),
    }


_LOW = {"hips drop": 0.14, "hips forward": -0.04, "hips pitch": 0.4}
MOVEMENTS: dict[str, Movement] = {
    **_leg("left", "right"),
    **_leg("right", "left"),
    **_arm("left"),
    **_arm("right"),
    "crouch down on both legs": Movement(_LOW, 0.9),
    "stay low on bent legs": Movement({}, 0.9),
    "push both legs straight": Movement(dict.fromkeys(_LOW, 0.0), 0.8),
    "keep both legs still": Movement({}, 1.0),
    "lean the torso forward": Movement({"hips pitch": 0.5, "chest pitch": 0.3}, 0.9),
    "lean the torso back": Movement({"hips pitch": -0.08, "chest pitch": -0.05}, 0.9),
    "raise the hand": Movement({"dominant shoulder flex": 2.1, "dominant elbow": 0.5}, 0.8),
    "lower the hand": Movement({"dominant shoulder flex": 0.3, "dominant elbow": 0.2}, 0.8),
    "push the hand forward": Movement({"dominant shoulder flex": 1.1, "dominant elbow": 0.5}),
    "move the hand outward": Movement({"dominant shoulder out": 0.9}),
    "pull the hand back": Movement({"dominant shoulder flex": 1.7, "dominant elbow": 2.1}),
    "move the hand inward": Movement({"dominant shoulder out": 0.0}),
}

_KICKS = Label(
    tuple(
        Part(phrases, skip)
        for side in ("left", "right")
        for phrases, skip in (
            ((f"lift the {side} knee up",), 0.0),
            ((f"reach the {side} heel forward",), 0.1),
            ((f"plant the {side} foot",), 0.0),
        )
    )
)
_SQUATS = Label(
    (
        Part(("crouch down on both legs",)),
        Part(("stay low on bent legs",), skip=0.4),
        Part(("push both legs straight",)),
        Part(("lean the torso forward", "lean the torso back"), skip=0.1, again=0.2),
        Part(("keep both legs still",), skip=0.3),
    )
)
_SQUAT_AND_REACH = Label(
    (
        Part(("crouch down on both legs",)),
        Part(("stay low on bent legs",), skip=0.4),
        Part(("push both legs straight",)),
        Part(("raise the hand", "lower the hand"), skip=0.05, again=0.3),
        Part(("keep both legs still",), skip=0.1),
    )
)
_STEP_AND_SQUAT = Label(
    (
        Part(("lift the right knee up", "plant the right foot"), again=0.2),
        Part(("lift the left knee up", "plant the left foot"), again=0.2),
        Part(("crouch down on both legs", "push both legs straight"), skip=0.05),
    )
)
_WARM_UP = Label(
    (
        Part(("keep both legs still",)),
        Part(("raise the hand", "lower the hand"), again=0.3),
        Part(("lift the left knee up", "plant the left foot"), again=0.2),
        Part(("crouch down on both legs",)),
        Part(("stay low on bent legs",), skip=0.1),
    ),
    cyclic=False,
)
_ARM_RAISES = Label(
    tuple(
        Part((phrase,), 0.3 if "holds" in phrase else 0.0)
        for side in ("left", "right")
        for phrase in _arm(side)
    )
)
_BOXES = Label(
    tuple(
        Part((f"{phrase} the hand{way}",))
        for phrase, way in (
            ("push", " forward"), ("raise", ""), ("move", " outward"), ("pull", " back"), ("lower", ""),
            ("move", " inward"),
        )
    ),
    start={"dominant shoulder flex": 0.3, "dominant elbow": 0.2},
)  # fmt: skip

ALL_ROUND = ("lower back", "left wrist", "right wrist", "left foot", "right foot")
WORLDS = {
    "identifiable": World(
        {
            "leg kicks": _KICKS,
            "squat and reach": _SQUAT_AND_REACH,
            "step and squat": _STEP_AND_SQUAT,
            "warm-up": _WARM_UP,
        },
        ALL_ROUND,
    ),
    "mirrored": World({"leg kicks": _KICKS, "arm raises": _ARM_RAISES, "squats": _SQUATS}, ("lower back",)),
    "unordered": World({"box drawing": _BOXES, "leg kicks": _KICKS, "squats": _SQUATS}, ALL_ROUND),
}
