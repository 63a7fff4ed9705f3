"""Physical checks, which need no truth: under codes that are called a movement of some part of the body, the
sensor on that part must move more than under codes that are called something else, in the same activity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqtext.data.features.motion import MotionScale
from vqtext.data.locations import best_cell, senses
from vqtext.pipeline.evaluation.frame_metrics import Measure, over
from vqtext.pipeline.evaluation.predictions import Predictions
from vqtext.pipeline.evaluation.tested import Tested
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import parts_of
from vqtext.schema import SubAction


def claims(words: Words, locations: Sequence[str]) -> np.ndarray:
    """What each anchor says of each location, ``(K, L)``: 1 it moves, 0 nothing, −1 hardly.

    A phrase speaks of a location whose sensor sees its body part. Where its signature calls that location
    still or slight, as in "keep both legs still" and "sway the hips", it claims less than most others do. A
    step that was joined claims what any of its parts does.
    """
    moves, hardly = np.zeros((2, len(words.phrases), len(locations)), dtype=bool)
    own = ((anchor, part) for uses in words.uses for anchor, step in uses for part in parts_of(step))
    for anchor, subaction in own:
        for place, location in enumerate(locations):
            if subaction.body_part and senses(location, subaction.body_part, _side(subaction)):
                (hardly if _is_quiet(subaction, location) else moves)[anchor, place] = True
    return np.where(moves, 1, np.where(hardly, -1, 0))


def moves_more(part: Predictions, energy: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """Chance that a token whose code claims that a location moves sees it move more than one that does not.

    Each code counts with the mean motion under its tokens, weighted by how many these are; 0.5 is what names
    without meaning would give.

    Args:
        part: predictions of n windows.
        energy: motion of each location at each frame of these windows, ``(n, F, L)``, NaN where unknown, as
            `within_label` gives it.
        claimed: of each anchor, as `claims` gives it.

    Returns:
        ``(L,)``, NaN for a location of which no code, or every code, claims movement.
    """
    mean, weight = _of_codes(part, energy)
    claim_of = claimed[part.code_name]
    found = np.full(energy.shape[2], np.nan)
    for place in range(len(found)):
        known = (weight[:, place] > 0) & (claim_of[:, place] >= 0)
        inside, outside = (known & (claim_of[:, place] == claim) for claim in (1, 0))
        if inside.any() and outside.any():
            a, b = mean[inside, place][:, None], mean[outside, place][None]
            pairs = weight[inside, place][:, None] * weight[outside, place][None]
            found[place] = (pairs * ((a > b) + 0.5 * (a == b))).sum() / pairs.sum()
    return found


def over_seeds(tested: Tested, seeds: Sequence[Sequence[Predictions]]) -> dict[str, Measure]:
    """`moves_more` of each location, over seeds and folds.

    Args:
        seeds: predictions of each seed, one a fold.
    """
    values: dict[str, list[float]] = {}
    windows = tested.windows
    for number, split in enumerate(tested.splits):
        scale = MotionScale.of(windows.signal, split.train, windows.channels, windows.rate_hz)
        motion = scale.frames(windows.signal, split.test, seeds[0][number].keep.shape[1])
        energy = within_label(motion, windows.subject[split.test], windows.label[split.test])
        claimed = claims(tested.words_of_folds[number], scale.locations)
        for parts in seeds:
            shares = moves_more(parts[number], energy, claimed)
            for location, share in zip(scale.locations, shares, strict=True):
                values.setdefault(location, []).extend([float(share)] if np.isfinite(share) else [])
    return {location: over(shares) for location, shares in values.items()}


def within_label(energy: np.ndarray, subject: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Log motion ``(n, F, L)`` as z-scores within subject and label: people and activities differ in how much
    they move, and only what differs inside an activity tells its steps apart."""
    out = np.full_like(energy, np.nan)
    for who, what in np.unique(np.stack([subject, label], 1), axis=0):
        own = (subject == who) & (label == what)
        x = energy[own]
        seen = np.isfinite(x)
        count = np.maximum(seen.sum((0, 1)), 1)
        away = np.where(seen, x - np.where(seen, x, 0).sum((0, 1)) / count, np.nan)
        spread = np.sqrt(np.where(seen, np.square(away), 0).sum((0, 1)) / count)
        out[own] = away / np.where(spread > 1e-6, spread, np.inf)
    return out


def _of_codes(part: Predictions, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean motion under the tokens of each code, ``(codes, L)``, and how many frames that is."""
    frames = energy.shape[1]
    first = np.clip(np.floor(part.t * frames), 0, frames - 1).astype(int)
    last = np.clip(np.ceil((part.t + part.l) * frames), first + 1, frames).astype(int)
    used = part.code >= 0
    sums = []
    for values in (np.nan_to_num(energy), np.isfinite(energy)):
        upto = np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (1, 0), (0, 0)))
        rows = np.arange(len(upto))[:, None]
        under = np.zeros((len(part.code_name), energy.shape[2]))
        np.add.at(under, part.code[used], (upto[rows, last] - upto[rows, first])[used])
        sums.append(under)
    total, count = sums
    return total / np.maximum(count, 1), count


def _side(subaction: SubAction) -> str | None:
    """A step of both sides, or of either, speaks of each."""
    return None if subaction.side in ("both", "either") else subaction.side


def _is_quiet(subaction: SubAction, location: str) -> bool:
    signature = subaction.signature or {}
    cell = best_cell(location, signature)
    return cell is not None and signature[cell].motion in ("still", "slight")
