"""Which threshold the anchors are cut at: as given, or what a number of anchors needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from vqtext.console.progress import Progress
from vqtext.console.text import cut_apart
from vqtext.errors import UsageError
from vqtext.pipeline.anchors.calibration import Calibration
from vqtext.pipeline.anchors.clustering import FLOOR, Clusters, Phrase, Tree
from vqtext.pipeline.anchors.overrides import Edits
from vqtext.settings.schema import DedupSettings

CEILING = 0.95
"""While a threshold is sought, the floor is not raised above this, however many pairs are near."""


def tree_and_threshold(
    phrases: Sequence[Phrase],
    edits: Edits,
    dedup: DedupSettings,
    progress: Progress,
    calibrated: Callable[[], Calibration],
) -> tuple[Tree, float]:
    """All merges, and where to cut them.

    Args:
        calibrated: finds a threshold by the words; called where the settings want that.

    Raises:
        UsageError: the target is larger than the number of phrases, or the threshold outside (0, 1].
        WordsError: a phrase without a usable vector.
    """
    if dedup.target is not None and dedup.target > len(phrases):
        raise UsageError(
            f"the target is {dedup.target} anchors, but there are only {len(phrases)} phrases: "
            f"ask for {len(phrases)} at most"
        )
    given = dedup.threshold if dedup.target is None else None
    if dedup.calibrate and given is not None:
        calibration = calibrated()
        given = calibration.threshold
        progress.say(f"threshold {given:g}: {calibration.why}")
        for line in calibration.lines:
            progress.say(f"  {line}")
    floor = FLOOR if given is None else min(FLOOR, given)
    tree = Tree(phrases, floor, CEILING if given is None else given, edits.keep, edits.merge)
    if tree.floor > floor:
        progress.warn(
            f"too many phrases are near each other: pairs below a cosine of {tree.floor:g} were left out, so "
            "the curve begins there"
        )
    if given is not None:
        return tree, given
    assert dedup.target is not None
    if "threshold" in dedup.model_fields_set:
        progress.say(f"the target of {dedup.target} sets the threshold: dedup.threshold is not used")
    threshold = tree.threshold_for(dedup.target)
    if tree.count(threshold) != dedup.target:
        warning, pairs = _in_the_way(tree, threshold, dedup.target)
        progress.warn(warning)
        for pair in pairs:
            progress.say(f"  {pair}")
    return tree, threshold


def by_reason(reasons: Iterable[str]) -> str:
    """Counts in words: "3 by facet, 7 by opposite"."""
    return ", ".join(f"{count} by {reason}" for reason, count in sorted(Counter(reasons).items()))


def _in_the_way(tree: Tree, threshold: float, target: int) -> tuple[str, list[str]]:
    """Why no threshold leaves the number of anchors that was asked for, and every pair that stands in the
    way."""
    left = tree.count(threshold)
    head = f"{target} anchors were asked for, the nearest is {left} at threshold {threshold:g}"
    if left < target and threshold == 1:
        return f"{head}: the other phrases have the very vector of one of them, or are merged by --merge", []
    if left < target or tree.count(tree.floor) < left:
        return f"{head}: several merges have one cosine, and no threshold lies between them", []
    cut = tree.at(tree.floor)
    far = left * (left - 1) // 2 - _touching(cut)
    reasons = [f"{len(cut.vetoed)} near pairs of phrases ({by_reason(pair.reason for pair in cut.vetoed)})"]
    reasons = reasons * bool(cut.vetoed) + [
        f"the floor of {tree.floor:g}, below which {far} pairs of anchors lie"
    ]
    pairs = [
        " | ".join(cut_apart([tree.phrases[pair.a].text, tree.phrases[pair.b].text]))
        + f" ({pair.cosine:.2f}, {pair.reason})"
        for pair in cut.vetoed
    ]
    return f"{head}: in the way stand {' and '.join(reasons)}", pairs


def _touching(cut: Clusters) -> int:
    """How many pairs of clusters have a near pair between them."""
    cluster_of = {i: number for number, members in enumerate(cut.members) for i in members}
    return len({frozenset((cluster_of[pair.a], cluster_of[pair.b])) for pair in cut.vetoed})
