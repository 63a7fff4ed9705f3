"""What a model is: its sizes, and what it must know of its data to be loaded anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import lcm
from typing import Any

from vqtext.errors import ArtifactError
from vqtext.model.messages import one_line
from vqtext.model.vqshape import VQShapeConfig
from vqtext.schema import Channel
from vqtext.settings.schema import ModelSettings

FORMAT = 8
TRAINING_ONLY = ("token_dim", "fusion", "place")
MIN_PATCH = 2  # samples; a patch of one sample has no shape
MOST_SUBSTEPS = 8
TOKEN_S = 0.08  # seconds a token lasts where nothing else is set
LEAST_TOKEN, MOST_TOKENS = 4, 64  # samples of a token, tokens of a window, then
FRAME_S = 0.02  # seconds; names are decided on frames of about this length, never shorter than a sample


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of a network and the signals it was built for.

    Attributes:
        settings: the user's choices.
        channels: metadata of the C channels, in the order of the signal.
        steps: T, samples of a window.
        rate_hz: sampling rate.
        labels: class names, in the order of the class head.
        text_dim: width of the anchor vectors, d.
        token_dim: width of the guidance's text tokens, 0 without guidance.
        borders: windows may hold the border to another activity.
        anywhere: windows might as well begin at another moment, as cuts of recordings and rounds of a cycle
            do; a trial that was recorded from its beginning to its end does not.
        started: sizes of the VQShape that training started from, with which ``settings`` agree; None where
            it started from nothing.
        fusion, place: how and where text meets signal, as `GuidanceSettings` says.

    A model's folder knows nothing of the last three: they are for training alone.
    """

    settings: ModelSettings
    channels: tuple[Channel, ...]
    steps: int
    rate_hz: float
    labels: tuple[str, ...]
    text_dim: int
    borders: bool = False
    anywhere: bool = True
    started: VQShapeConfig | None = None
    token_dim: int = 0
    fusion: str = "signal"
    place: str = "patches"

    @property
    def joint(self) -> bool:
        """One token spans all channels; otherwise each channel is a series of its own."""
        return self.settings.channels == "joint"

    @property
    def series_channels(self) -> int:
        """Channels of one series that the network sees: C, or 1."""
        return len(self.channels) if self.joint else 1

    @property
    def patch(self) -> int:
        """Samples a patch: of the window, or of a series that is stretched to VQShape's length."""
        if not self.joint:
            return self.vqshape.patch
        return max(MIN_PATCH, -(-self.steps // self.settings.patches))

    @property
    def patches(self) -> int:
        """Patches a series. The last one may reach beyond a window, which has fewer where it is short; one
        that is stretched has as many as set."""
        return -(-self.steps // self.patch) if self.joint else self.settings.patches

    @property
    def tokens(self) -> int:
        """Tokens a series: never more than patches."""
        fitting = min(round(self.window_s / TOKEN_S), self.steps // LEAST_TOKEN, MOST_TOKENS)
        return min(self.settings.tokens or max(1, fitting), self.patches)

    @property
    def window_tokens(self) -> int:
        """Tokens a window, M: over all its series."""
        return self.tokens if self.joint else self.tokens * len(self.channels)

    @property
    def feature_dim(self) -> int:
        """Width of a token's features: its code's vector, mu, sigma, t, l; of an independent one also its
        series' mean and deviation."""
        return self.settings.dim_code + 2 * self.series_channels + (2 if self.joint else 4)

    @property
    def vqshape(self) -> VQShapeConfig:
        """Sizes of the VQShape whose tokens independent channels have.

        Series are stretched to the least length that windows fit into and that patches and tokens divide,
        unless the VQShape was there before.
        """
        s = self.settings
        if self.started is not None:
            return replace(self.started, dropout=s.dropout, mask=s.mask)
        share = lcm(s.patches, self.tokens)
        length = share * -(-max(self.steps, MIN_PATCH * s.patches) // share)
        return VQShapeConfig(
            dim=s.dim,
            patch=length // s.patches,
            patches=s.patches,
            encoder_heads=s.heads,
            encoder_layers=s.layers,
            tokenizer_heads=s.heads,
            tokenizer_layers=s.layers,
            decoder_heads=s.heads,
            decoder_layers=max(1, s.layers // 2),
            tokens=self.tokens,
            length=length,
            codes=s.codes,
            code_dim=s.dim_code,
            dropout=s.dropout,
            mask=s.mask,
        )

    @property
    def substeps(self) -> int:
        """Names a token emits, S: as set, or enough that each lasts about a frame."""
        most = min(MOST_SUBSTEPS, max(1, self.steps // self.tokens))
        return self.settings.substeps or min(most, -(-self.frames // self.tokens))

    @property
    def frames(self) -> int:
        """Frames a window is named in, F."""
        return max(1, self.steps // max(1, round(FRAME_S * self.rate_hz)))

    @property
    def frame_s(self) -> float:
        """Seconds a frame lasts."""
        return self.window_s / self.frames

    @property
    def window_s(self) -> float:
        """Seconds a window lasts."""
        return self.steps / self.rate_hz

    def to_dict(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "settings": self.settings.model_dump(mode="json", exclude={"init"}),
            **{k: v for k, v in asdict(self).items() if k not in ("settings", "channels", *TRAINING_ONLY)},
            "channels": [channel.to_dict() for channel in self.channels],
            "started": self.started.to_dict() if self.started is not None else None,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelConfig:
        """Inverse of `to_dict`.

        Raises:
            ArtifactError: another format, or keys missing.
        """
        if data.get("format") != FORMAT:
            raise ArtifactError(
                f"config.json has format {data.get('format')!r}, this version reads {FORMAT}: "
                "train again with `vqtext train`"
            )
        try:
            return cls(
                settings=ModelSettings(**data["settings"]),
                channels=tuple(Channel(**channel) for channel in data["channels"]),
                steps=int(data["steps"]),
                rate_hz=float(data["rate_hz"]),
                labels=tuple(data["labels"]),
                text_dim=int(data["text_dim"]),
                borders=bool(data["borders"]),
                anywhere=bool(data["anywhere"]),
                started=VQShapeConfig.from_dict(data["started"]) if data["started"] is not None else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ArtifactError(
                f"config.json is not a model's: {one_line(error)}; train again with `vqtext train`"
            ) from error
