"""A user would lose: a count of renamings, or a group of look-alikes, that is not the true one."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import permutations

import pytest

from vqtext.pipeline.vocabulary.cycle_turns import Wheel, WheelStep, symmetries
from vqtext.pipeline.vocabulary.identifiability import Transcript, identifiability

ANCHORS = 6
LEVELS = "ab"


def random_world(seed: int) -> list[Transcript]:
    """A few labels that a hidden renaming keeps, and sometimes a cell, a step or an end that breaks it."""
    draw = random.Random(seed)
    anchors, places = draw.randint(2, ANCHORS), draw.randint(0, 2)
    hidden = draw.sample(range(anchors), anchors)
    world: list[Transcript] = []
    for _ in range(draw.randint(1, 3)):
        names = draw.choices(range(anchors), k=draw.randint(1, 3))
        steps = [WheelStep(name, tuple(draw.choice(LEVELS) for _ in range(places))) for name in names]
        turned = [WheelStep(hidden[step.anchor], step.signature) for step in steps]
        while turned[: len(names)] != steps[: len(names)] and len(steps) < 12:
            steps += turned
            turned = [WheelStep(hidden[step.anchor], step.signature) for step in turned]
        if draw.random() < 0.3:
            del steps[draw.randrange(len(steps)) + 1 :]
        if places and draw.random() < 0.4:
            i = draw.randrange(len(steps))
            steps[i] = WheelStep(steps[i].anchor, (draw.choice(LEVELS), *steps[i].signature[1:]))
        world.append((draw.random() < 0.9, steps))
    return world


def used(world: Sequence[Transcript]) -> list[int]:
    return sorted({step.anchor for _, steps in world for step in steps})


def every_renaming(world: Sequence[Transcript]) -> Iterator[dict[int, int]]:
    anchors = used(world)
    return (dict(zip(anchors, order, strict=True)) for order in permutations(anchors))


def keeps(renaming: dict[int, int], transcript: Transcript, signed: bool) -> bool:
    """By the book: the renamed transcript is the transcript, wherever a cycle begins."""
    cyclic, steps = transcript
    old = [(step.anchor, step.signature if signed else None) for step in steps]
    new = [(renaming[anchor], said) for anchor, said in old]
    return any(new[r:] + new[:r] == old for r in (range(len(old)) if cyclic else [0]))


def keeps_sets(renaming: dict[int, int], transcript: Transcript) -> bool:
    names = {step.anchor for step in transcript[1]}
    return {renaming[anchor] for anchor in names} == names


def orbits(renamings: list[dict[int, int]]) -> list[list[int]]:
    found = {a: {renaming[a] for renaming in renamings} for a in renamings[0]}
    return [
        list(group) for group in sorted({tuple(sorted(orbit)) for orbit in found.values()}) if len(group) > 1
    ]


def fitting(world: Sequence[Transcript]) -> list[dict[int, int]]:
    return [r for r in every_renaming(world) if all(keeps(r, transcript, True) for transcript in world)]


@pytest.mark.parametrize("hundred", range(5))
def test_counts_and_groups_are_those_of_trying_every_renaming(hundred: int) -> None:
    several = 0
    for seed in range(100 * hundred, 100 * hundred + 100):
        world = random_world(seed)
        found = identifiability(world)
        renamings = list(every_renaming(world))
        assert found.labels.value == sum(all(keeps_sets(r, t) for t in world) for r in renamings), seed
        assert found.order.value == sum(all(keeps(r, t, False) for t in world) for r in renamings), seed
        signed = fitting(world)
        assert found.signature.value == len(signed), seed
        assert found.groups == orbits(signed), seed
        assert found.labels.exact and found.order.exact and found.signature.exact
        several += len(signed) > 1
    assert several > 25, "worlds in which nothing can be renamed would prove little"


def pairs(groups: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    return {(a, b) for group in groups for a in group for b in group if a < b}


def one_cell_changed(world: Sequence[Transcript]) -> Iterator[list[Transcript]]:
    for label, (cyclic, steps) in enumerate(world):
        for i, step in enumerate(steps):
            for place in range(len(step.signature)):
                for level in LEVELS:
                    said = (*step.signature[:place], level, *step.signature[place + 1 :])
                    changed = [*steps[:i], WheelStep(step.anchor, said), *steps[i + 1 :]]
                    yield [*world[:label], (cyclic, changed), *world[label + 1 :]]


def test_what_hangs_by_one_cell_is_what_changing_any_cell_would_confuse() -> None:
    fragile = 0
    for seed in range(150):
        world = random_world(seed)
        if len(used(world)) > 5:
            continue
        found = identifiability(world)
        hanging = {pair for weak in found.fragile for pair in pairs(weak.groups)} - pairs(found.groups)
        confused = {pair for other in one_cell_changed(world) for pair in pairs(orbits(fitting(other)))}
        assert hanging == confused - pairs(found.groups), seed
        fragile += bool(hanging)
    assert fragile > 10


def test_a_search_cut_short_gives_upper_bounds_and_never_misses_a_group() -> None:
    cut = 0
    for seed in range(300):
        wheels = [Wheel.of(cyclic, steps, signed=True) for cyclic, steps in random_world(seed)]
        true = symmetries(wheels)
        for budget in (0, 5, 20):
            bound = symmetries(wheels, budget)
            assert bound.count == true.count if bound.exact else bound.count >= true.count
            assert pairs(bound.groups) >= pairs(true.groups)
            cut += not bound.exact
    assert cut > 50


def cycle(*anchors: int) -> Wheel:
    return Wheel.of(True, [WheelStep(anchor) for anchor in anchors], signed=False)


def test_sixty_labels_that_share_one_anchor_are_counted_without_listing_the_renamings() -> None:
    wheels = [cycle(0, 2 * i + 1, 0, 2 * i + 2) for i in range(60)]
    found = symmetries(wheels)
    assert (found.count, found.exact) == (2**60, True)
    assert found.groups == [[2 * i + 1, 2 * i + 2] for i in range(60)]


@pytest.mark.parametrize(("twisted", "renamings"), [(False, 3), (True, 1)])
def test_a_ring_of_labels_must_agree_all_the_way_round(twisted: bool, renamings: int) -> None:
    labels = [cycle(*(6 * i + k for k in range(6))) for i in range(20)]
    for i in range(20):
        # a link turns its two labels alike, or against each other: one such in a ring lets nothing turn,
        # though no two labels disagree
        there = (0, 4, 2) if twisted and i == 7 else (0, 2, 4)
        steps = zip((0, 2, 4), there, strict=True)
        labels.append(cycle(*(anchor for a, b in steps for anchor in (6 * i + a, 6 * ((i + 1) % 20) + b))))
    found = symmetries(labels)
    assert (found.count, found.exact) == (renamings, True)


def test_turning_back_to_front_is_no_renaming() -> None:
    assert symmetries([cycle(0, 1, 2)]).count == 3, "three turns; the mirror images run the other way"


def test_an_anchor_that_stands_twice_in_a_cycle_stays_one_anchor() -> None:
    found = symmetries([cycle(0, 1, 0, 2)])
    assert (found.count, found.groups) == (2, [[1, 2]])
    assert symmetries([cycle(0, 0, 1)]).count == 1
    assert symmetries([cycle(0, 1, 0, 1)]).count == 2, "half of the turns change nothing"


def test_a_label_whose_every_step_was_dropped_changes_nothing() -> None:
    found = symmetries([cycle(), cycle(0, 1)])
    assert (found.count, found.groups) == (2, [[0, 1]])
