"""Which places carried a step, and when: how much less likely it would be, had a place been still meanwhile.

What is asked is the network itself. For each step and place the place's channels are set to their own mean
in the window for as long as the step lasts, and the window is read again. What is lost is a log-likelihood
ratio: the step against its strongest rival, in nats of the evidence that decides the class
(`vqtext.model.decoding.decoder.Decoder.emission`). Nothing is approximated: it is the answer to that
question. What two places both show, each alone can carry, and neither loses much.

L places, S steps, F frames, K anchors, C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from vqtext.errors import DataError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.decoder import CONFIG, Decoder
from vqtext.model.decoding.inputs import CHUNK, Signals, frames_seen, one_window
from vqtext.model.decoding.stream import Trained
from vqtext.model.network.frame_names import frame_states
from vqtext.reason import UNKNOWN_NAME, Carrier, Reason, Step
from vqtext.schema import Channel

MOST = 0.8  # share of what a place carried that the stretch it is said for holds
LEAST = 1e-3  # nats below which a place carried nothing


@torch.no_grad()
def highlight(model: Trained, signal: Signals, reason: Reason) -> Reason:
    """See `vqtext.model.load.VQText.highlight`."""
    window, config = one_window(signal, model.config), model.config
    names = {name: i for i, name in enumerate(model.decoder.vocabulary.anchors)}
    asked = [i for i, step in enumerate(reason.steps) if step.name != UNKNOWN_NAME]
    strange = [reason.steps[i].name for i in asked if reason.steps[i].name not in names]
    if strange:
        raise DataError(f"the reason is not this model's: it has no step {strange[0]!r}")
    if late := [
        step for step in reason.steps if not 0 <= step.start_s < step.end_s <= config.window_s + 1e-3
    ]:
        raise DataError(
            f"a step ends at {late[0].end_s:g} s, a window at {config.window_s:g} s: give the reason of one "
            "window, with times from its beginning"
        )
    if not asked:
        return reason
    groups = places(config.channels)
    own = torch.tensor([names[reason.steps[i].name] for i in asked])
    span = torch.stack([_span(reason.steps[i], config.frames, config) for i in asked])  # (S, F)
    span &= frames_seen(window[None], config)
    lost = carried(
        model, window, own, span, [_span(reason.steps[i], config.steps, config) for i in asked], groups
    )
    steps = list(reason.steps)
    for row, i in enumerate(asked):
        steps[i] = replace(steps[i], places=tuple(_carriers(lost[row], span[row], groups, config)))
    return replace(reason, steps=tuple(steps))


def carried(
    model: Trained,
    window: Tensor,
    own: Tensor,
    span: Tensor,
    samples: list[Tensor],
    groups: dict[str, list[int]],
) -> Tensor:
    """What each step loses at each frame where a place is set to its mean, ``(S, L, F)``, in nats; 0 outside.

    Args:
        window: ``(C, T)``; own: anchor of each step, ``(S,)``; span: its frames, ``(S, F)``.
        samples: of each step, ``(T,)``; groups: channels of each place.
    """
    before = evidence(model, window[None])[0]  # (F, K)
    mean = torch.where(window.isfinite(), window, torch.nan).nanmean(1, keepdim=True)

    def occluded() -> Iterator[Tensor]:
        for inside in samples:
            for channels in groups.values():
                there = torch.zeros_like(window, dtype=torch.bool)
                there[channels] = inside & window[channels].isfinite()
                yield torch.where(there, mean, window)

    after = _in_chunks(model, occluded()).unflatten(0, (len(own), len(groups)))  # (S, L, F, K)
    rival = (span.float() @ before).scatter(1, own[:, None], -torch.inf).argmax(1)
    ratio = before[:, own] - before[:, rival]  # (F, S)
    rows = torch.arange(len(own))
    left = after[rows, :, :, own] - after[rows, :, :, rival]
    return (ratio.T[:, None] - left) * span[:, None]


def evidence(model: Trained, rows: Tensor) -> Tensor:
    """How much likelier each anchor is at each frame than anywhere, as the decoder weighs it,
    ``(B, F, K)``."""
    decoder: Decoder = model.decoder
    names = model.network.names_of
    states = frame_states(model.network.read(rows), model.config.frames)
    surprise = (names(states) + CONFIG.floor).log() - (names(decoder.prior) + CONFIG.floor).log()
    return decoder.log_scale.exp() * surprise


def places(channels: tuple[Channel, ...]) -> dict[str, list[int]]:
    """Rows of the channels at each place; where there is only one place, of each kind of sensor."""
    found: dict[str, list[int]] = {}
    by_place = len({channel.location for channel in channels}) > 1
    for i, channel in enumerate(channels):
        found.setdefault(
            channel.location if by_place else f"{channel.modality or channel.name} sensor", []
        ).append(i)
    return found


def _in_chunks(model: Trained, windows: Iterator[Tensor]) -> Tensor:
    parts, held = [], []
    for window in windows:
        held.append(window)
        if len(held) == CHUNK:
            parts.append(evidence(model, torch.stack(held)))
            held = []
    return torch.cat([*parts, *([evidence(model, torch.stack(held))] if held else [])])


def _span(step: Step, count: int, config: ModelConfig) -> Tensor:
    """Which of so many equal parts of a window a step covers, ``(count,)``; at least one."""
    begin = min(round(step.start_s / config.window_s * count), count - 1)
    end = max(begin + 1, round(step.end_s / config.window_s * count))
    at = torch.arange(count)
    return (at >= begin) & (at < end)


def _carriers(
    lost: Tensor, span: Tensor, groups: dict[str, list[int]], config: ModelConfig
) -> Iterator[Carrier]:
    """The places that carried a step, by what it loses at each frame ``(L, F)``, the most first."""
    nats, frame_s, names = lost.sum(1), config.window_s / config.frames, list(groups)
    for place in nats.argsort(descending=True).tolist():
        if nats[place] < LEAST:
            return
        begin, end = _shortest(lost[place].clamp(min=0), MOST)
        channels = tuple(config.channels[i].name for i in groups[names[place]])
        yield Carrier(
            names[place],
            channels,
            round(float(nats[place]), 4),
            round(begin * frame_s, 3),
            round(end * frame_s, 3),
        )


def _shortest(values: Tensor, share: float) -> tuple[int, int]:
    """The shortest stretch that holds this share of the sum of ``values (F,)``."""
    total = torch.cat([torch.zeros(1), values.cumsum(0)])
    ends = torch.searchsorted(total, total[:-1] + share * total[-1] - 1e-6)
    length = torch.where(ends < len(total), ends - torch.arange(len(values)), len(total))
    begin = int(length.argmin())
    return begin, begin + max(1, int(length[begin]))
