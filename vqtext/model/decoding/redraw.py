"""What would have to change: a stretch of a window, drawn anew as the steps of another class.

It is drawn as the model draws all that it reads: each token's code by the shape decoder, at its token's mean
and strength, put together again (`vqtext.model.load.VQText.stitch`). Codes, means and strengths are those of
a window of that class, from where it has the step that would have been needed; steps keep the time that they
take there. Nothing outside of the stretch changes. Of the stretches that grow from the step that lost most,
the shortest is taken that makes the window one of the other class.

F frames, C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from vqtext.errors import DataError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.inputs import Signals, blocks, frames_seen, one_window
from vqtext.model.decoding.stream import Trained
from vqtext.model.decoding.why_not import Against, WhyNotQuery
from vqtext.model.network.frame_names import frame_states
from vqtext.reason import Reason, Redrawn

GROWTH_STEPS = 8  # a stretch grows by a step at once, and by no more than this part of a window
EXAMPLES = 2  # windows of the other class, used one at a time: steps of two people do not fit together

Stretch = tuple[int, int, int]  # place of a step in its label, its first frame, and the one after its last


@dataclass(frozen=True)
class Drawing:
    """A window of a label as its codes draw it.

    Attributes:
        signal: ``(C, T)`` in physical units.
        places: of its steps in the label, frame by frame, ``(F,)``; −1 where it shows none of them.
    """

    signal: Tensor
    places: Tensor


@torch.no_grad()
def drawings(model: Trained, signals: Signals, label: int) -> list[Drawing]:
    """Windows of a label as the model draws them: of those that it reads as that label, first those with
    most of its steps.

    Args:
        signals: ``(n, C, T)``, of windows with that label.
    """
    config, drawn = model.config, []
    longest, scale = model.decoder.vocabulary.longest, model.network.normalise
    for rows in blocks(signals, None, config):
        out, keep = model.network(rows), frames_seen(rows, config)
        signal = out.stitched * scale.std[:, None] + scale.mean[:, None]
        decoded = model.decoder(frame_states(out, config.frames), out.classes, keep)
        place = decoded.path[:, 0] - label * longest
        place = torch.where(keep & (place >= 0) & (place < longest), place, -1)
        own = (decoded.label[:, 0] == label).nonzero()[:, 0].tolist()
        drawn += [Drawing(signal[i], place[i]) for i in own]
    return sorted(drawn, key=lambda drawing: -len(drawing.places.unique()))


@torch.no_grad()
def redraw(
    model: Trained, signal: Signals, reason: Reason, label: str, examples: Sequence[Drawing]
) -> Redrawn | None:
    """The shortest stretch, drawn anew, that makes a window one of another class; where none does, the one
    that makes that class likeliest. None where there is nothing to draw it from, or steps do not tell the two
    classes apart.

    Args:
        signal: the one window, ``(C, T)``; reason: by this model, of this window.
        label: the other class; examples: as `drawings` gives them.

    Raises:
        DataError: no such class, the reason's own, a reason that was not made by a model here, or more than
            one window.
    """
    if not isinstance(reason.asked, WhyNotQuery) or label == reason.label:
        reason.why_not(label)  # raises
        return None
    window, against = one_window(signal, model.config), reason.asked.against(label)
    if reason.asked.first or len(reason.asked.keep) != model.config.frames:
        raise DataError("the reason is of a recording: give one that `explain` made of this window")
    return None if against is None else _redraw(model, window, against, reason.asked.number(label), examples)


def _redraw(
    model: Trained, window: Tensor, against: Against, label: int, examples: Sequence[Drawing]
) -> Redrawn | None:
    config, decoder, vocabulary = model.config, model.decoder, model.decoder.vocabulary
    stretches = _growing(against, label, vocabulary.longest)
    tried = [(stretch, example) for stretch in stretches for example in examples[:EXAMPLES]]
    if not tried:
        return None
    changed, places = zip(*(drawn_into(window, *pair, config) for pair in tried), strict=True)
    rows = torch.stack(changed)
    out = model.network.read(rows)
    keep, familiar = frames_seen(rows, config), decoder.novelty(out.pooled)
    posterior = decoder(frame_states(out, config.frames), out.classes, keep, 0, familiar).log_posterior.exp()
    labels = posterior.argmax(1)
    flips = (labels == label).nonzero()[:, 0]
    best = int(flips[0]) if len(flips) else int(posterior[:, label].argmax())
    (_, begin, end), now = tried[best][0], int(labels[best])
    uses = vocabulary.transcripts[label].uses
    steps = [uses[place] for place, _ in groupby(places[best].tolist()) if place >= 0]
    return Redrawn(
        round(begin * config.frame_s, 3),
        round(end * config.frame_s, 3),
        tuple(use.display or vocabulary.anchors[use.anchor] for use in steps),
        config.labels[now],
        round(float(posterior[best, now]), 4),
        rows[best].numpy(),
        vocabulary.transcripts[now].display,
        now == label,
    )


def drawn_into(
    window: Tensor, stretch: Stretch, example: Drawing, config: ModelConfig
) -> tuple[Tensor, Tensor]:
    """A copy of a window ``(C, T)`` with a stretch drawn into it, from where the example has the step that it
    begins with, and the example's steps there. What was not measured stays so."""
    place, begin, end = stretch
    shown = (example.places == place).nonzero()[:, 0]
    source = int(shown[0]) if len(shown) else begin
    source = min(source, config.frames - (end - begin))  # near the example's end: from before the step

    def sample(frame: int) -> int:
        return round(frame * config.steps / config.frames)

    first, last = sample(begin), sample(end)
    start = min(sample(source), config.steps - (last - first))
    drawn, here = example.signal[:, start : start + last - first], window[:, first:last]
    out = window.clone()
    out[:, first:last] = torch.where(here.isfinite(), drawn, here)
    return out, example.places[source : source + end - begin]


def _growing(against: Against, label: int, longest: int) -> Iterator[Stretch]:
    """Stretches of the other label's path, from the step that lost most outwards."""
    path = against.other.tolist()
    most = -(-len(path) // GROWTH_STEPS)
    runs: list[Stretch] = []
    for use, run in groupby(range(len(path)), lambda f: path[f]):
        begin, *_ = frames = list(run)
        end = begin + len(frames)
        runs += [(use - label * (longest + 1), f, min(f + most, end)) for f in range(begin, end, most)]
    lost = [float(against.gap[begin:end].sum()) for _, begin, end in runs]
    usable = {i for i, (place, _, _) in enumerate(runs) if 0 <= place < longest}
    if not usable:
        return
    first = last = max(usable, key=lambda i: lost[i])
    while True:
        yield runs[first][0], runs[first][1], runs[last][2]
        beside = usable & {first - 1, last + 1}
        if not beside:
            return
        more = max(beside, key=lambda i: lost[i])
        first, last = min(first, more), max(last, more)
