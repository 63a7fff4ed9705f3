"""A person does what the labels say, with sensors on: from options to recordings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vqtext.data.planted.body import DOFS, PLACES, poses, sensed
from vqtext.data.planted.world import MOVEMENTS, WORLDS, Label, Movement, Options
from vqtext.data.recordings.recording import Recording, Track
from vqtext.schema import OTHER_SIDE, Channel, Subject

REST_S = 2.0
"""Standing without a label before and after."""

BLEND = 0.15
"""How much earlier a joint may start, and later it may end, than its step: a share of the step."""

UNITS = {"acc": "m/s2", "gyro": "rad/s", "mag": "uT"}
_NOISE = {"acc": 0.05, "gyro": 0.01, "mag": 0.5}
_BIAS = {"acc": 0.1, "gyro": 0.01, "mag": 1.0}
_GAIN = 0.01
_BURST_S = 0.1
_STRIKE = {"foot": 25.0, "ankle": 20.0, "lower back": 5.0, "chest": 3.0, "wrist": 1.5}  # m/s²


@dataclass(frozen=True)
class Person:
    """A subject, and how they move: ``tempo`` divides durations, ``reach`` multiplies how far joints go."""

    facts: Subject
    tempo: float
    reach: float

    @property
    def height_m(self) -> float:
        return (self.facts.height_cm or 170.0) / 100

    def joint(self, name: str) -> str:
        """The joint of `DOFS` that is meant: the dominant side is the person's own."""
        return name.replace("dominant", self.facts.hand or "right")


@dataclass(frozen=True)
class Doing:
    """One stretch of time: a label and a sub-action; None where there is none."""

    label: str | None
    phrase: str | None
    to: dict[str, float]
    seconds: float
    strikes: str | None = None


def person(number: int, options: Options) -> Person:
    """The subject of that number: grown-up or child, and how they move."""
    rng = np.random.default_rng([options.seed, number, 0])
    child, left = rng.random(2) < (options.children, options.left_handed)
    sex = str(rng.choice(["female", "male"]))
    age = int(rng.integers(6, 13) if child else rng.integers(20, 70))
    usual = 1.16 + 0.06 * (age - 6) if child else {"female": 1.65, "male": 1.78}[sex]
    height = usual * np.exp(0.035 * rng.normal())
    weight = height**2 * (16 if child else 24) * np.exp(0.1 * rng.normal())
    # legs and arms are pendulums: what is shorter swings faster
    tempo = np.sqrt(1.72 / height) * np.exp(0.1 * options.variation * rng.normal())
    return Person(
        Subject(
            id=str(number + 1),
            age=age,
            height_cm=round(100 * height),
            weight_kg=round(weight),
            sex=sex,
            hand="left" if left else "right",
        ),
        tempo=float(tempo),
        reach=float(np.exp(0.1 * options.variation * rng.normal())),
    )


def drawn(label: Label, rng: np.random.Generator) -> Iterator[str]:
    """The steps of one round: parts skipped and repeated at their rates."""
    for part in label.parts:
        if rng.random() < part.skip:
            continue
        yield from part.phrases
        while rng.random() < part.again:
            yield from part.phrases


def plan(who: Person, options: Options, rng: np.random.Generator) -> list[Doing]:
    """What a person does in one recording: labels in random order, each for some rounds."""
    world, done, doings = WORLDS[options.world], 0.0, [Doing(None, None, {}, REST_S)]
    names: list[str] = []
    while done < 60 * options.minutes:
        if not names:
            names = [str(name) for name in rng.permutation(list(world.labels))]
        name = names.pop()
        label = world.labels[name]
        before = doings[-1].label
        ready = dict.fromkeys(DOFS, 0.0) | {who.joint(joint): q for joint, q in label.start.items()}
        # the way from the last posture to the first: half of it still has the old label
        way = float(rng.uniform(0.8, 1.4)) / who.tempo
        doings += [Doing(before, None, ready, way / 2), Doing(name, None, {}, way / 2)]
        bout, began = rng.uniform(10, 25), done
        while done - began < bout:
            for phrase in drawn(label, rng):
                doings.append(_doing(name, phrase, MOVEMENTS[phrase], who, options, rng))
                done += doings[-1].seconds
            if not label.cyclic:
                break
    return [*doings, Doing(None, None, dict.fromkeys(DOFS, 0.0), REST_S)]


def _doing(
    label: str, phrase: str, movement: Movement, who: Person, options: Options, rng: np.random.Generator
) -> Doing:
    vary = options.variation
    far = who.reach * np.exp(0.08 * vary * rng.normal())
    seconds = movement.seconds / who.tempo * np.exp(0.2 * vary * rng.normal())
    to = {who.joint(joint): q * far for joint, q in movement.to.items()}
    return Doing(label, phrase, to, float(seconds), movement.strikes)


def joints(
    doings: list[Doing], times: np.ndarray, options: Options, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Each of `DOFS` at ``times``: minimum-jerk ways that begin and end a little off the borders of steps.

    Ways add up, so a joint that turns into its next movement need not stop between.
    """
    q = {joint: np.zeros(len(times)) for joint in DOFS}
    now = dict.fromkeys(DOFS, 0.0)
    start = 0.0
    for i, doing in enumerate(doings):
        # a way between labels goes on into the half that has the new label
        length = doing.seconds + (
            doings[i + 1].seconds if doing.to and doing.phrase is None and i + 1 < len(doings) else 0
        )
        early, late = BLEND * options.variation * rng.random(2)
        for joint, goal in doing.to.items():
            begin = start - early * doing.seconds
            whole = length + (early + late) * doing.seconds
            first, last = np.searchsorted(times, [begin, begin + whole])
            s = (times[first:last] - begin) / whole
            q[joint][first:last] += (goal - now[joint]) * s**3 * (10 - 15 * s + 6 * s**2)
            q[joint][last:] += goal - now[joint]
            now[joint] = goal
        start += doing.seconds
    return q


def _swayed(q: dict[str, np.ndarray], times: np.ndarray, options: Options, rng: np.random.Generator) -> None:
    """Slow unrest of the hips, the chest and the arms; feet on the ground do not sway."""
    for joint in DOFS:
        if "foot" in joint:
            continue
        size = 0.002 if joint in ("hips forward", "hips left", "hips drop") else 0.01
        for hz in rng.uniform(0.1, 1.2, 4):
            phase = rng.uniform(0, 2 * np.pi)
            q[joint] += options.sway * size / 2 * np.sin(2 * np.pi * hz * times + phase)
    q["hips drop"] += 0.004  # people do not stand on fully straight legs


def channels(options: Options) -> tuple[Channel, ...]:
    """Of all sensors, in their order."""
    modalities = ("acc", "gyro", "mag") if options.magnetometer else ("acc", "gyro")
    return tuple(
        Channel(f"{place.replace(' ', '_')}_{modality}_{axis}", place, modality, axis, UNITS[modality])
        for place in _places(options)
        for modality in modalities
        for axis in "xyz"
    )


def _places(options: Options) -> tuple[str, ...]:
    wanted = options.sensors or WORLDS[options.world].places
    return tuple(place for place in PLACES if place in wanted)


def record(number: int, options: Options) -> Recording:
    """The recording of subject ``number``; others have no influence on it."""
    who = person(number, options)
    doings = plan(who, options, np.random.default_rng([options.seed, number, 1]))
    return perform(who, doings, options, number)


def perform(who: Person, doings: list[Doing], options: Options, number: int = 0) -> Recording:
    """A person does ``doings`` with the sensors on."""
    seeds = [np.random.default_rng([options.seed, number, i]) for i in (2, 3, 4)]
    ends = np.cumsum([doing.seconds for doing in doings])
    dt = 1 / options.rate_hz
    count = int(ends[-1] / dt)
    halves = np.arange(2 * count + 1) * dt / 2
    q = joints(doings, halves, options, seeds[0])
    _swayed(q, halves, options, seeds[1])
    at = np.searchsorted(ends, halves[1::2], side="right")
    strikes = [(float(end), d.strikes) for end, d in zip(ends, doings, strict=True) if d.strikes]
    return Recording(
        name=who.facts.id,
        signal=_worn(q, who, strikes, options, seeds[2], halves),
        rate_hz=options.rate_hz,
        channels=channels(options),
        label=_track([doing.label for doing in doings], at, tuple(WORLDS[options.world].labels)),
        subject=who.facts,
        truth=_track([doing.phrase for doing in doings], at, tuple(MOVEMENTS)),
    )


def _track(words: list[str | None], at: np.ndarray, known: tuple[str, ...]) -> Track:
    used = tuple(word for word in known if word in words)
    codes = np.array([-1 if word is None else used.index(word) for word in words], dtype=np.int32)
    return Track(used, codes[at])


def _worn(
    q: dict[str, np.ndarray],
    who: Person,
    strikes: list[tuple[float, str]],
    options: Options,
    rng: np.random.Generator,
    halves: np.ndarray,
) -> np.ndarray:
    """What the sensors write down, ``(C, T) float32``."""
    places, times, dt = _places(options), halves[1::2], 1 / options.rate_hz
    wrong = {place: bool(rng.random() < options.misplaced) for place in places}
    shift = {place: 0.05 * wrong[place] * rng.choice([-1, 1]) for place in places}
    dead = rng.random(len(places)) < options.dead
    if dead.all():
        dead[rng.integers(len(places))] = False
    rows: list[np.ndarray] = []
    for place, silent, (pose_r, pose_p) in zip(
        places, dead, poses(q, who.height_m, places, shift).values(), strict=True
    ):
        turned = _mounting(rng, options.rotation_deg, wrong[place])
        acc, gyro, mag = sensed((pose_r @ turned, pose_p), dt)
        up = (np.swapaxes(pose_r[1::2] @ turned, 1, 2))[:, :, 2]
        acc += up * _shock(place, strikes, times)[:, None]
        lost = _lost(len(times), options, rng) | silent
        for modality, values in (("acc", acc), ("gyro", gyro), ("mag", mag)):
            gain, bias = rng.normal(size=(2, 3))
            hiss = rng.normal(size=values.shape)
            if modality == "mag" and not options.magnetometer:
                continue
            scale = options.noise
            values = values * (1 + _GAIN * scale * gain) + scale * (
                _BIAS[modality] * bias + _NOISE[modality] * hiss
            )
            rows += list(np.where(lost[:, None], np.nan, values).T)
    return np.stack(rows).astype(np.float32)


def _mounting(rng: np.random.Generator, degrees: float, anyhow: bool) -> np.ndarray:
    """How a sensor is turned on its segment, ``(3, 3)``: a little, or any way round."""
    from scipy.spatial.transform import Rotation

    little = Rotation.from_rotvec(np.radians(degrees) / np.sqrt(3) * rng.normal(size=3))
    any_way = Rotation.from_quat(rng.normal(size=4))
    return (any_way if anyhow else little).as_matrix()


def _shock(place: str, strikes: list[tuple[float, str]], times: np.ndarray) -> np.ndarray:
    """A foot that meets the ground: a damped ringing, weaker with every joint, none at the other foot."""
    side, _, part = place.rpartition(" ")
    total = np.zeros(len(times))
    for end, foot in strikes:
        if part in ("foot", "ankle") and side == OTHER_SIDE[foot]:
            continue
        first, last = np.searchsorted(times, [end, end + 0.25])
        since = times[first:last] - end
        size = _STRIKE[part] if part in _STRIKE else _STRIKE[place]
        total[first:last] += size * np.exp(-since / 0.04) * np.sin(2 * np.pi * 12 * since)
    return total


def _lost(length: int, options: Options, rng: np.random.Generator) -> np.ndarray:
    """Samples that are lost, in bursts: ``(T,) bool``, at the wanted share."""
    lost = np.zeros(length, dtype=bool)
    burst = max(round(_BURST_S * options.rate_hz), 1)
    if options.missing > 0:
        starts = rng.random(length) < 1 - (1 - options.missing) ** (1 / burst)
        lost = np.convolve(starts, np.ones(burst))[:length] > 0
    return lost
