"""Other recordings of the same movement, made from one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vqtext.model.training.augment_tilt import MAX_TILT
from vqtext.model.training.augment_yaw import magnetometers
from vqtext.schema import Channel, sensors

GAIN_SPREAD, NOISE = 0.1, 0.1  # spread of the gain, noise as a share of a channel's own spread
DROPPED_PLACES = 0.1  # share of the sensor locations that a window does without
UNTILTED = 0.5  # share of the windows that are not tilted: with none, sensors worn as recorded are never seen


class Augment:
    """Started at another moment, facing another way, worn a little differently, a little louder, noisier, and
    with some places of the body not measured.

    Args:
        channels: metadata of the C channels: axes of one sensor turn together, and all sensors of one place.
        anywhere: whether windows might as well begin at another moment, so that they may be turned round.
        tilt: standard deviation of a sensor's turn about each of its axes, in radians; see
            `vqtext.model.training.augment_tilt`.
        faces: whether people might as well face another way; see `vqtext.model.training.augment_yaw`.
    """

    def __init__(
        self, channels: Sequence[Channel], anywhere: bool = True, tilt: float = MAX_TILT, faces: bool = True
    ) -> None:
        self.anywhere, self.tilt = anywhere, tilt
        places = list(dict.fromkeys(channel.location for channel in channels))
        self.place = torch.tensor([places.index(channel.location) for channel in channels])
        self.places = len(places)
        self.axes = torch.tensor([sensor.axes for sensor in sensors(channels)]).reshape(-1, 3)
        self.compass, self.gravity = magnetometers(channels if faces else ())

    def __call__(self, signal: Tensor, frame_keep: Tensor) -> tuple[Tensor, Tensor]:
        """Args:
            signal: ``(B, C, T)`` in physical units; frame_keep: ``(B, F)``; a window that is not full is
                not turned round.

        Returns:
            The signal, and by how many frames each window was turned, ``(B,)``.
        """
        batch, _, steps = signal.shape
        frames = frame_keep.shape[1]
        turn = torch.randint(frames, (batch,), device=signal.device) * frame_keep.all(1) * self.anywhere
        at = torch.arange(steps, device=signal.device) - (turn * steps // frames)[:, None]
        signal = signal.gather(2, (at % steps)[:, None].expand_as(signal))
        scale = 1 + GAIN_SPREAD * torch.randn(batch, 1, 1, device=signal.device)
        spread = signal.nan_to_num().std(-1, keepdim=True)
        signal = signal * scale + NOISE * spread * torch.randn_like(signal)
        return self._lose(self._tilt(self._face(signal))), turn

    def _face(self, signal: Tensor) -> Tensor:
        """Turn each window about the vertical, all sensors by one angle.

        The same movement facing another way differs only in where north is: what a compass says of a posture
        belongs to the room in which it was recorded.
        """
        if not len(self.compass):
            return signal
        compass, gravity = self.compass.to(signal.device), self.gravity.to(signal.device)
        mean = signal[:, gravity].nanmean(-1).nan_to_num()  # (B, sensors, 3); 0, and no turn, where missing
        up = torch.nn.functional.normalize(mean, dim=-1)
        angle = 2 * torch.pi * torch.rand(len(signal), 1, 1, device=signal.device)
        return _turned(signal, compass, _rotations(angle * up))

    def _tilt(self, signal: Tensor) -> Tensor:
        if not len(self.axes):
            return signal
        axes, place = self.axes.to(signal.device), self.place.to(signal.device)
        worn = torch.rand(len(signal), 1, 1, device=signal.device) < UNTILTED
        turn = torch.randn(len(signal), self.places, 3, device=signal.device).masked_fill(worn, 0.0)
        tilts = _rotations(self.tilt * turn)
        return _turned(signal, axes, tilts[:, place[axes[:, 0]]])

    def _lose(self, signal: Tensor) -> Tensor:
        lost = torch.rand(len(signal), self.places, device=signal.device) < DROPPED_PLACES
        lost &= ~lost.all(1, keepdim=True)
        if self.places == 1 or not lost.any():
            return signal
        left = signal.masked_fill(lost[:, self.place.to(signal.device)][..., None], torch.nan)
        empty = ~left.isfinite().any(-1).any(-1)  # all other places had been missing already
        return torch.where(empty[:, None, None], signal, left)


def _turned(signal: Tensor, axes: Tensor, rotation: Tensor) -> Tensor:
    """The signal with the sensors ``axes (sensors, 3)`` turned by matrices ``(B, sensors, 3, 3)``; what was
    not measured stays missing."""
    x = signal[:, axes]  # (B, sensors, 3, T)
    with torch.autocast(signal.device.type, enabled=False):  # these are samples, not activations
        y = torch.einsum("bsij,bsjt->bsit", rotation, x.nan_to_num())
    return signal.index_copy(1, axes.flatten(), torch.where(x.isfinite(), y, torch.nan).flatten(1, 2))


def turn_frames(x: Tensor, turn: Tensor) -> Tensor:
    """Turn the frames of each row ``(B, F, K)`` round by its own number."""
    at = (torch.arange(x.shape[1], device=x.device) - turn[:, None]) % x.shape[1]
    return x.gather(1, at[..., None].expand_as(x))


def _rotations(vector: Tensor) -> Tensor:
    """Rotation vectors ``(..., 3)`` in radians → matrices ``(..., 3, 3)``."""
    x, y, z = vector.unbind(-1)
    o = torch.zeros_like(x)
    skew = torch.stack([o, -z, y, z, o, -x, -y, x, o], -1).unflatten(-1, (3, 3))
    return torch.linalg.matrix_exp(skew)
