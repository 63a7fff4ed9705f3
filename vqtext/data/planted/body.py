"""A body of stiff segments: joint angles in, poses of the sensors' places out.

Axes: x forward, y left, z up. Lengths are shares of the body's height (Winter's anthropometry). Feet are
placed and the legs follow (two-link inverse kinematics), so a planted foot truly stays while the body moves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np

G = 9.81
FIELD = np.array([22.0, 0.0, -42.0])
"""The earth's magnetic field in μT, facing north in the north."""

SIDES = {"left": 1.0, "right": -1.0}
DOFS = (
    *(f"hips {d}" for d in ("forward", "left", "drop", "pitch", "roll", "yaw")),
    *(f"chest {d}" for d in ("pitch", "roll", "yaw")),
    *(f"{s} {d}" for s in SIDES for d in ("shoulder flex", "shoulder out", "elbow")),
    *(f"{s} foot {d}" for s in SIDES for d in ("forward", "out", "up", "pitch")),
)
"""What can move. Angles in rad; hips and feet in shares of the height; all zero is standing at ease."""

PLACES = ("chest", "lower back", *(f"{s} {p}" for p in ("wrist", "ankle", "foot") for s in SIDES))
ALONG = {"wrist": -0.13, "ankle": 0.03, "foot": -0.05, "chest": 0.18, "lower back": 0.06}
"""Where a sensor sits on its segment: along its long axis, in shares of the height."""

_THIGH, _SHANK, _HIP_HEIGHT, _HIP_HALF = 0.245, 0.246, 0.524, 0.0955
_ANKLE = np.array([-0.09, 0.0, 0.039])  # from the ball of the foot
_SHOULDER_HALF, _SHOULDER_UP, _UPPER_ARM = 0.129, 0.21, 0.186

Pose: TypeAlias = tuple[np.ndarray, np.ndarray]
"""Rotation ``(T, 3, 3)`` from the segment's axes to the world's; the sensor's position ``(T, 3)`` in m."""


def turn(axis: str, angle: np.ndarray) -> np.ndarray:
    """Rotations ``(T, 3, 3)`` about an axis."""
    c, s = np.cos(angle), np.sin(angle)
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.zeros((len(angle), 3, 3))
    matrix[:, "xyz".index(axis), "xyz".index(axis)] = 1
    matrix[:, i, i] = matrix[:, j, j] = c
    matrix[:, i, j], matrix[:, j, i] = -s, s
    return matrix


def poses(
    q: Mapping[str, np.ndarray], height_m: float, places: tuple[str, ...], shift: Mapping[str, float]
) -> dict[str, Pose]:
    """Where the sensors are and how they are turned.

    Args:
        q: each of `DOFS` over time, ``(T,)``.
        height_m: of the body.
        places: of `PLACES`.
        shift: how far each sensor sits from its usual spot, in m along its segment.
    """
    pose_of: dict[str, Pose] = {}

    def place(name: str, rotation: np.ndarray, origin: np.ndarray, forward: float = 0.0) -> None:
        along = ALONG[name.removeprefix("left ").removeprefix("right ")] + shift.get(name, 0.0) / height_m
        offset = [along, 0, 0.04] if name.endswith("foot") else [forward, 0, along]
        pose_of[name] = rotation, height_m * (origin + rotation @ np.array(offset))

    hips = turn("z", q["hips yaw"]) @ turn("y", q["hips pitch"]) @ turn("x", q["hips roll"])
    base = np.stack([q["hips forward"], q["hips left"], _HIP_HEIGHT - q["hips drop"]], axis=1)
    chest = hips @ turn("z", q["chest yaw"]) @ turn("y", q["chest pitch"]) @ turn("x", q["chest roll"])
    waist = base + hips @ np.array([0, 0, 0.08])
    if "lower back" in places:
        place("lower back", hips, base, -0.05)
    if "chest" in places:
        place("chest", chest, waist, 0.06)
    for side, y in SIDES.items():
        if f"{side} wrist" in places:
            arm = chest @ turn("x", y * q[f"{side} shoulder out"]) @ turn("y", -q[f"{side} shoulder flex"])
            shoulder = waist + chest @ np.array([0, y * _SHOULDER_HALF, _SHOULDER_UP])
            forearm = arm @ turn("y", -q[f"{side} elbow"])
            place(f"{side} wrist", forearm, shoulder + arm @ np.array([0, 0, -_UPPER_ARM]))
        if {f"{side} foot", f"{side} ankle"} & {*places}:
            foot = turn("y", q[f"{side} foot pitch"])
            ball = np.stack(
                [
                    q[f"{side} foot forward"] - _ANKLE[0],
                    y * (_HIP_HALF + q[f"{side} foot out"]),
                    q[f"{side} foot up"],
                ],
                axis=1,
            )
            ankle = ball + foot @ _ANKLE
            hip = base + hips @ np.array([0, y * _HIP_HALF, 0])
            place(f"{side} foot", foot, ball)
            place(f"{side} ankle", _shank(hip, ankle, hips[:, :, 0]), ankle)
    return {name: pose_of[name] for name in places}


def _shank(hip: np.ndarray, ankle: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """How the lower leg is turned, where the knee bends forward, ``(T, 3, 3)``."""
    up = hip - ankle
    length = np.linalg.norm(up, axis=1, keepdims=True)
    up = up / length
    length = np.minimum(length, 0.999 * (_THIGH + _SHANK))
    y = np.cross(up, forward)
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    cosine = (_SHANK**2 + length**2 - _THIGH**2) / (2 * _SHANK * length)
    shin = cosine * up + np.sqrt(1 - cosine**2) * np.cross(y, up)
    return np.stack([np.cross(y, shin), y, shin], axis=2)


def rates(rotation: np.ndarray, dt: float) -> np.ndarray:
    """What a gyroscope measures: ``(T, 3, 3)`` → mean angular velocities between two, ``(T − 1, 3)``."""
    step = np.swapaxes(rotation[:-1], 1, 2) @ rotation[1:]
    axis = np.stack(
        [step[:, 2, 1] - step[:, 1, 2], step[:, 0, 2] - step[:, 2, 0], step[:, 1, 0] - step[:, 0, 1]], axis=1
    )
    sine = np.linalg.norm(axis, axis=1, keepdims=True) / 2
    cosine = (np.trace(step, axis1=1, axis2=2)[:, None] - 1) / 2
    angle = np.arctan2(sine, cosine)
    return axis / 2 * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 1) / dt


def sensed(pose: Pose, dt: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accelerometer (m/s², gravity included), gyroscope (rad/s) and magnetometer (μT), ``(n, 3)`` each.

    Args:
        pose: at 2n + 1 instants, half a sample apart: a sample is what happens from one odd-numbered
            neighbour to the next, so the gyroscope's samples add up to the change of posture exactly.
        dt: length of a sample in s.
    """
    rotation, position = pose
    second = (position[2::2] - 2 * position[1::2] + position[:-2:2]) / (dt / 2) ** 2
    to_sensor = np.swapaxes(rotation[1::2], 1, 2)
    acc = (to_sensor @ (second + np.array([0, 0, G]))[:, :, None])[:, :, 0]
    return acc, rates(rotation[::2], dt), to_sensor @ FIELD
