"""The emission model: log weights of steps by their signatures and by descriptions.

N training windows, F frames, L body locations, n labels, U uses of a label.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqtext.model.grounding.posture import fits_postures

EPS = 1e-6


@dataclass(frozen=True)
class EmissionConfig:
    """Constants of the emission model.

    Attributes:
        spread: standard deviation of a written level, in units of the location's own range.
        trust, direction_trust: mixture weight of the words in a cell of level, and of direction or posture;
            the rest is a background that fits anything. Authors are rarely wrong about a foot that goes up;
            whether it moves moderately or strongly is a guess.
        words_span_s: neighbouring frames repeat each other, so that words taken at face value are far too
            sure. Each such span, in seconds, counts as one piece of evidence.
        skew: how surely the sign of a velocity, in units of its spread, follows what is written.
        independent_features: features that one location counts as, however many it has.
        shrink: how far a state's mean is shrunk to the mean of its anchor in all labels, 0 to 1.
        min_variance: of a feature within a state, in units of its variance over all frames.
        others: weight of what other labels write of the same anchor.
    """

    spread: float = 0.6
    trust: float = 0.2
    direction_trust: float = 0.6
    words_span_s: float = 0.08
    skew: float = 2.0
    independent_features: float = 2.0
    shrink: float = 0.5
    min_variance: float = 1e-3
    others: float = 0.7


@dataclass(frozen=True)
class Evidence:
    """What is measured and what is written of the N training windows.

    Attributes:
        motion: log motion of each location and frame by its best sensor, ``(N, F, L)``, NaN where nothing was
            measured.
        features: whatever else may tell one moment from another, in any unit, ``(N, F, R)``.
        velocity: velocities about the vertical, ``(N, F, P)``, NaN where nothing was measured.
        levels: written levels of each use, from −1 (still) to 1 (strong), NaN where unknown, ``(N, U, L)``.
        directions: which way it is written to go, 1 or −1 times `velocity`, NaN where unknown, ``(N, U, P)``.
        up: where up is in the axes of the sensor at each of H places, ``(N, F, H, 3)``, NaN where not known.
        written_up: where it is written to be in the axes of the place, ``(N, U, H, 3)``, NaN where unknown
            (`vqtext.model.grounding.posture`).
        relative_duration: how long each use of each label is written to last beside the others, ``(n, U)``.
        label: ``(N,)``; group: subject of each window, ``(N,)``.
        frame_s: seconds a frame lasts.
        hand: which way "dominant" is read for each window, ``(N,)``; levels of one label differ by nothing
            else.
        activity: the label of each frame, ``(N, F)``; None where windows hold no borders.
        similarity: cosine of each anchor and the description of each segment, ``(N, segments, K)``, NaN where
            there is none; or None.
        locations: what the L places are called.
        corrected: the use that a person assigned to each frame, counted through all labels, label · U + use,
            −1 where nobody did, ``(N, F)``; or None.
        computed: results of `once`. `dataclasses.replace` passes it on, so words are exchanged quickly.
    """

    motion: Tensor
    features: Tensor
    velocity: Tensor
    levels: Tensor
    directions: Tensor
    up: Tensor
    written_up: Tensor
    relative_duration: Tensor
    label: Tensor
    group: Tensor
    hand: Tensor
    frame_s: float
    activity: Tensor | None = None
    similarity: Tensor | None = None
    locations: tuple[str, ...] = ()
    corrected: Tensor | None = None
    computed: dict[Hashable, tuple[tuple[Tensor, ...], Tensor]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def of(self, rows: np.ndarray) -> Evidence:
        """The evidence of some of the windows alone; of the first of them in their order, no copy."""
        begins = np.array_equal(rows, np.arange(len(rows)))
        if begins and len(rows) == len(self.label):
            return self
        taken = slice(len(rows)) if begins else rows
        shared = ("relative_duration", "frame_s", "locations", "computed")
        of_windows = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in shared}
        some: dict[str, Any] = {name: x[taken] for name, x in of_windows.items() if x is not None}
        return replace(self, **some, computed={})

    def once(self, name: Hashable, compute: Callable[[], Tensor]) -> Tensor:
        """What is computed of motion, features, labels and groups alone, computed again only where one of
        them was replaced."""
        inputs = (self.motion, self.features, self.label, self.group)
        cached = self.computed.get(name)
        if cached is None or any(one is not other for one, other in zip(cached[0], inputs, strict=True)):
            cached = self.computed[name] = inputs, compute()
        return cached[1]

    @property
    def rank(self) -> Tensor:
        """`motion_rank`, ``(N, F, L)``."""
        return self.once("rank", lambda: motion_rank(self.motion, self.label, self.group))

    @property
    def standardised(self) -> Tensor:
        """Features in units of their spread within each person, ``(N, F, R)``; 0 where missing."""
        return self.once("standardised", lambda: standardise(self.features, self.group))

    @property
    def standardised_in_label(self) -> Tensor:
        """The same within each person and label: what all steps of a label have in common is 0."""
        both = self.group * (int(self.label.max()) + 1) + self.label
        return self.once("standardised in label", lambda: standardise(self.features, both))

    @property
    def written(self) -> Tensor:
        """All cells of each use of a window's label, levels, ways and postures, NaN where nothing is written,
        ``(N, U, L + P + 3 H)``."""
        return torch.cat([self.levels, self.directions, self.written_up.flatten(2)], 2)

    def words_weight(self, config: EmissionConfig) -> float:
        """What one frame counts as evidence from the words."""
        return min(1.0, self.frame_s / config.words_span_s)

    def data_weight(self, config: EmissionConfig) -> float:
        """What one frame counts as evidence from the features; those of one location repeat each other."""
        repeats = self.features.shape[2] / max(1, self.motion.shape[2]) / config.independent_features
        return 1 / max(1.0, repeats)


def from_signatures(evidence: Evidence, config: EmissionConfig, shown: Tensor | None = None) -> Tensor:
    """Log weight of each use of a window's own label by its signature, ``(N, F, U)``.

    Levels are compared relatively: motion is ranked within subject and label, since absolute levels depend on
    the person, the mounting and the unit, and levels are written relative to the other steps of their label.
    Trust is soft: a cell may be wrong, so that no cell alone can rule a use out.

    Args:
        shown: how far written levels give way to what was shown of each use, 0 to 1, ``(N, U)``.
    """
    label = evidence.label
    x, seen = evidence.rank, evidence.motion.isfinite()
    out = x.new_zeros(*x.shape[:2], evidence.levels.shape[1])
    for i in label.unique():  # each label by itself: all of them at once take more memory than the signals
        own = label == i
        less = None if shown is None else 1 - shown[own]
        out[own] = fits_levels(x[own], seen[own], evidence.levels[own], config, less).sum(-1)
        out[own] += fits_directions(
            evidence.velocity[own], evidence.directions[own], evidence.group[own], config
        )
    out += fits_postures(evidence.up, evidence.written_up, label, evidence.group, config.direction_trust)
    return evidence.words_weight(config) * out


def motion_rank(motion: Tensor, label: Tensor, group: Tensor) -> Tensor:
    """Motion ``(N, F, L)`` beside what else the person does in that label, as levels are written: its rank
    among all frames of the person and label as a quantile of the normal distribution (van der Waerden 1952).
    Missing values become 0.

    "Slight" and "strong" say which of two moments has more, not how much more: ranks are all that is
    compared.
    """
    out = torch.zeros_like(motion)
    who = group * (int(label.max()) + 1) + label
    for own in (who == one for one in who.unique()):
        frames = motion[own].flatten(0, 1)
        for values in frames.T:
            seen = values.isfinite()
            _, place, count = values[seen].unique(return_inverse=True, return_counts=True)
            middle = (count.cumsum(0) - count / 2) / seen.sum()
            values[seen] = torch.special.ndtri(middle)[place]
        out[own] = frames.nan_to_num().view(-1, *out.shape[1:])
    return out


def fits_levels(
    x: Tensor, seen: Tensor, levels: Tensor, config: EmissionConfig, share: Tensor | None = None
) -> Tensor:
    """Log weight of each use by each location, ``(..., F, U, L)``.

    Args:
        x: `Evidence.rank`, ``(..., F, L)``; seen: where it was measured.
        levels: of the uses of the label, ``(..., U, L)``; share: of the trust that is left, ``(..., U)``.
    """
    trust = levels.isfinite() * config.trust
    if share is not None:
        trust = trust * share[..., None]
    expected, trust = contrast(levels)[..., None, :, :], trust[..., None, :, :]
    return fits_level(x[..., None, :], seen[..., None, :], expected, trust, config)


def fits_level(x: Tensor, seen: Tensor, expected: Tensor, trust: Tensor, config: EmissionConfig) -> Tensor:
    """Log weight of motion ``x``, where it was ``seen``, by the level that is expected, of any shape."""
    fits = _normal(x, expected, config.spread).exp() * trust
    fits = fits + _normal(x, 0.0, 1.0).exp() * (1 - trust)
    return torch.where(seen, (fits + 1e-12).log(), 0.0)


def fits_directions(velocity: Tensor, directions: Tensor, group: Tensor, config: EmissionConfig) -> Tensor:
    """Log weight of each use by which way it goes, ``(n, F, U)``.

    What goes the way that is written is skew-normal (Azzalini 1985) where what goes any way is normal: a
    velocity of the wrong sign is evidence against a use, and a velocity of 0 is none.
    """
    way = directions.nan_to_num()[:, None]
    return fits_way(speeds(velocity, group)[:, :, None], way, config).sum(-1)


def fits_way(speed: Tensor, way: Tensor, config: EmissionConfig) -> Tensor:
    """Log weight of a velocity in units of its spread by the way that is expected, of any shape."""
    fits = 2 * torch.special.ndtr(config.skew * speed * way)
    return (config.direction_trust * fits + 1 - config.direction_trust).log()


def speeds(velocity: Tensor, group: Tensor) -> Tensor:
    """Velocities ``(n, F, P)`` in units of their spread in each person, with their signs; 0 where nothing was
    measured."""
    speed = velocity.nan_to_num()
    for who in group.unique():
        own = speed[group == who]
        speed[group == who] = own / own.square().mean((0, 1)).sqrt().clamp(min=EPS)
    return speed


def from_descriptions(evidence: Evidence, anchor: Tensor, config: EmissionConfig) -> Tensor:
    """Log weight of each use by the similarity of its anchor and the segment's description, ``(N, F, U)``.

    Similarity is standardised within the label: some anchors are nearer than others to all descriptions, or
    to all of one person. Without a description, all uses weigh the same.

    Args:
        anchor: of each use of each label, ``(n, U)``.
    """
    label, similarity = evidence.label, evidence.similarity
    frames = evidence.motion.shape[1]
    out = evidence.motion.new_zeros(len(label), frames, anchor.shape[1])
    if similarity is None:
        return out
    segment = torch.arange(frames) * similarity.shape[1] // frames
    for i in label.unique():
        own = label == i
        x = similarity[own][:, :, anchor[i]]
        for who in evidence.group[own].unique():
            of_one = evidence.group[own] == who
            x[of_one] -= x[of_one].nanmean((0, 1))
        x = x / x.square().nanmean().sqrt().clamp(min=EPS)
        out[own] = x[:, segment].nan_to_num()
    return evidence.words_weight(config) * out


def standardise(x: Tensor, group: Tensor) -> Tensor:
    """Mean 0 and variance 1 within each group; ``x (N, F, L)``, ``group (N,)``. Missing values become 0."""
    out = torch.zeros_like(x)
    for g in group.unique():
        own = x[group == g]
        seen = own.isfinite()
        count = seen.sum((0, 1)).clamp(min=1)
        mean = own.nan_to_num().sum((0, 1)) / count
        away = torch.where(seen, own - mean, 0.0)
        out[group == g] = away / (away.square().sum((0, 1)) / count + EPS).sqrt()
    return out


def pooled(levels: Tensor, anchor: Tensor, valid: Tensor, config: EmissionConfig) -> Tensor:
    """Written levels, each drawn towards what other labels write of the same anchor and location.

    Each label's words are another reading of the same movement, and any may be wrong; a cell that no other
    label writes stays, and one that is not written stays unknown.

    Args:
        levels: of each use, ``(n, U, L)``, NaN where unknown.
        anchor, valid: of each use, ``(n, U)``.
    """
    out = levels.clone()
    for k in anchor[valid].unique():
        own = (anchor == k) & valid
        here = levels[own]  # (uses, L)
        others = here.isfinite().sum(0) - here.isfinite().int()
        mean = (here.nansum(0) - here.nan_to_num()) / others.clamp(min=1)
        out[own] = torch.where(others > 0, torch.lerp(here, mean, config.others), here)
    return out


def contrast(levels: Tensor) -> Tensor:
    """Written levels ``(..., U, L)`` as differences inside their label, which is how motion is compared.

    A person who runs moves strongly all the time; what tells one step of running from the next is only which
    of the two was written as the stronger. Unknown cells become 0.
    """
    written = levels.isfinite()
    count = written.sum(-2, keepdim=True).clamp(min=1)
    away = torch.where(written, levels - levels.nan_to_num().sum(-2, keepdim=True) / count, 0.0)
    scale = (away.square().sum(-2, keepdim=True) / count).sqrt()
    return torch.where(scale > EPS, away / scale.clamp(min=EPS), 0.0)


def distinguishable(evidence: Evidence, valid: Tensor) -> Tensor:
    """Whether anything that is written of a window's label tells one of its uses from another by what was
    measured in it, ``(N,)``.

    Args:
        valid: uses that its label has, ``(N, U)``.
    """
    levels = (contrast(evidence.levels) != 0) & evidence.motion.isfinite().any(1)[:, None]  # (N, U, L)
    directions = _differs(evidence.directions.nan_to_num(), valid[..., None])
    directions &= evidence.velocity.isfinite().any(1)  # (N, P)
    known = evidence.written_up.isfinite() & valid[:, :, None, None]
    postures = _differs(evidence.written_up, known).any(-1) & evidence.up.isfinite().any(1).any(-1)  # (N, H)
    return levels.flatten(1).any(1) | directions.any(1) | postures.any(1)


def _differs(written: Tensor, known: Tensor) -> Tensor:
    """Whether two of the uses ``(N, U, …)`` that are known differ, ``(N, …)``."""
    most, least = (
        written.masked_fill(~known, -torch.inf).amax(1),
        written.masked_fill(~known, torch.inf).amin(1),
    )
    return most > least


def _normal(x: Tensor, mean: Tensor | float, std: float) -> Tensor:
    return -0.5 * ((x - mean) / std) ** 2 - torch.tensor(std).log()
