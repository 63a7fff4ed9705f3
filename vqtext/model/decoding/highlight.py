"""Which places carried a step, and when: how much less likely it would be, had a place been still meanwhile.

For each step and place the place's channels are set to their own mean in the window for as long as the step
lasts, and the network reads the window again. What is lost is a log-likelihood ratio: the step against its
strongest rival, in nats of the evidence that decides the class
(`vqtext.model.decoding.decoder.Decoder.emission`). It is exact. What two places both show, each alone can
carry, and neither loses much.

L places, S steps, F frames, K anchors, C channels, T samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

import torch
from torch import Tensor

from vqtext.errors import DataError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.decoder import CONFIG
from vqtext.model.decoding.inputs import CHUNK, Signals, frames_seen, one_window
from vqtext.model.decoding.stream import Trained
from vqtext.model.network.frame_names import frame_states
from vqtext.reason import UNKNOWN_NAME, Carrier, Reason, Step
from vqtext.schema import Channel

SPAN_SHARE = 0.8  # share of what a place carried that its stretch holds
MIN_NATS = 1e-3  # nats below which a place carried nothing


@torch.no_grad()
def highlight(model: Trained, signal: Signals, reason: Reason) -> Reason:
    """See `vqtext.model.load.VQText.highlight`."""
    window, config = one_window(signal, model.config), model.config
    anchors = {name: i for i, name in enumerate(model.decoder.vocabulary.anchors)}
    named = [step for step in reason.steps if step.name != UNKNOWN_NAME]
    for step in named:
        if step.name not in anchors:
            raise DataError(f"the reason is not this model's: it has no step {step.name!r}")
    for step in reason.steps:
        if not 0 <= step.start_s < step.end_s <= config.window_s + 1e-3:
            raise DataError(
                f"a step ends at {step.end_s:g} s, a window at {config.window_s:g} s: give the reason of one "
                "window, with times from its beginning"
            )
    if not named:
        return reason
    groups = places(config.channels)
    anchor = torch.tensor([anchors[step.name] for step in named])
    frames = torch.stack([_span(step, config.frames, config) for step in named])  # (S, F)
    frames &= frames_seen(window[None], config)
    samples = torch.stack([_span(step, config.steps, config) for step in named])  # (S, T)
    lost = iter(_lost(model, window, anchor, frames, samples, groups))
    return replace(
        reason,
        steps=tuple(
            step
            if step.name == UNKNOWN_NAME
            else replace(step, places=tuple(_carriers(next(lost), groups, config)))
            for step in reason.steps
        ),
    )


def _lost(
    model: Trained,
    window: Tensor,
    anchor: Tensor,
    frames: Tensor,
    samples: Tensor,
    groups: dict[str, list[int]],
) -> Tensor:
    """What each step loses at each frame where a place is set to its mean, ``(S, L, F)``, in nats; 0 outside.

    Args:
        window: ``(C, T)``; anchor: of each step, ``(S,)``; frames, samples: that it covers, ``(S, F)`` and
            ``(S, T)``; groups: channels of each place.
    """
    before = evidence(model, window[None])[0]  # (F, K)
    mean = torch.where(window.isfinite(), window, torch.nan).nanmean(1, keepdim=True)

    def occluded() -> Iterator[Tensor]:
        for inside in samples:
            for channels in groups.values():
                mask = torch.zeros_like(window, dtype=torch.bool)
                mask[channels] = inside & window[channels].isfinite()
                yield torch.where(mask, mean, window)

    windows, parts = occluded(), []
    while chunk := list(islice(windows, CHUNK)):
        parts.append(evidence(model, torch.stack(chunk)))
    after = torch.cat(parts).unflatten(0, (len(anchor), len(groups)))  # (S, L, F, K)
    rival = (frames.float() @ before).scatter(1, anchor[:, None], -torch.inf).argmax(1)
    ratio = before[:, anchor] - before[:, rival]  # (F, S)
    rows = torch.arange(len(anchor))
    left = after[rows, :, :, anchor] - after[rows, :, :, rival]
    return (ratio.T[:, None] - left) * frames[:, None]


def evidence(model: Trained, rows: Tensor) -> Tensor:
    """How much likelier each anchor is at each frame than anywhere, as the decoder weighs it,
    ``(B, F, K)``."""
    names = model.network.names_of
    states = frame_states(model.network.read(rows), model.config.frames)
    surprise = (names(states) + CONFIG.floor).log() - (names(model.decoder.prior) + CONFIG.floor).log()
    return model.decoder.log_scale.exp() * surprise


def places(channels: tuple[Channel, ...]) -> dict[str, list[int]]:
    """Rows of the channels at each place; where there is only one place, of each kind of sensor."""
    groups: dict[str, list[int]] = {}
    by_place = len({channel.location for channel in channels}) > 1
    for i, channel in enumerate(channels):
        name = channel.location if by_place else f"{channel.modality or channel.name} sensor"
        groups.setdefault(name, []).append(i)
    return groups


def _span(step: Step, count: int, config: ModelConfig) -> Tensor:
    """Which of so many equal parts of a window a step covers, ``(count,)``; at least one."""
    begin = min(round(step.start_s / config.window_s * count), count - 1)
    end = max(begin + 1, round(step.end_s / config.window_s * count))
    at = torch.arange(count)
    return (at >= begin) & (at < end)


def _carriers(lost: Tensor, groups: dict[str, list[int]], config: ModelConfig) -> Iterator[Carrier]:
    """The places that carried a step, by what it loses at each frame ``(L, F)``, the most first."""
    nats, frame_s, names = lost.sum(1), config.frame_s, list(groups)
    for place in nats.argsort(descending=True).tolist():
        if nats[place] < MIN_NATS:
            return
        begin, end = _shortest(lost[place].clamp(min=0), SPAN_SHARE)
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
