"""Sizes of a VQShape."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from vqtext.errors import ArtifactError, ConfigError

ARCHITECTURE, FORMAT = "vqshape", 1  # written into config.json
GROUPS = 16  # of each GroupNorm of the shape decoder
SHAPE_CHANNELS = 128  # of the shape decoder's first layer
MOST_LAYERS = 100  # of each transformer; a file with more is damaged
UPSAMPLING = 16  # of the shape decoder: 4 × 4


@dataclass(frozen=True)
class VQShapeConfig:
    """Sizes of the network and weights of its losses: the original's checkpoints hold both, so this does."""

    dim: int = 256  # width of all three transformers
    patch: int = 8  # samples a patch
    patches: int = 64  # patches a series: a patch begins every T // patches samples
    encoder_heads: int = 8
    encoder_layers: int = 4
    tokenizer_heads: int = 8
    tokenizer_layers: int = 4
    decoder_heads: int = 8
    decoder_layers: int = 2
    tokens: int = 64  # tokens a series, M
    length: int = 512  # samples a series, T: stretch each to it
    shape_length: int = 128  # samples a drawn shape, a multiple of 16
    smoothing: int = 1  # samples; kernel of the average over pieces and of the shape decoder's last layer
    codes: int = 512
    code_dim: int = 8
    dropout: float = 0.1  # in the transformers, in training; not in the original's checkpoints, always 0.1
    mask: float = 0.25  # share of the patches hidden in pretraining
    codebook_weight: float = 0.25  # of codes moving to tokens; tokens moving to codes weigh 1
    entropy_weight: float = 0.1  # of sure choices and even use
    evenness: float = 1.0  # of even use within that term, the original's entropy_gamma
    signal_weight: float = 1.0  # of the series' copy in the sum of losses
    latent_weight: float = 1.0  # of the codebook's losses in the sum
    shape_weight: float = 1.0  # of the drawn shapes in the sum
    spread_weight: float = 0.8  # of tokens keeping apart in time in the sum

    @classmethod
    def dim256_codes512(cls) -> VQShapeConfig:
        """The published model of 9.5 M weights, the best of the original's table."""
        return cls(dim=256, codes=512)

    @classmethod
    def dim512_codes64(cls) -> VQShapeConfig:
        """The published model of 37.1 M weights."""
        return cls(dim=512, codes=64)

    def __post_init__(self) -> None:
        numbers = asdict(self)
        sizes = {f.name: numbers.pop(f.name) for f in fields(self) if f.type == "int"}
        if odd := [name for name, size in sizes.items() if not isinstance(size, int) or size < 1]:
            raise ConfigError(f"no VQShape has such sizes: {odd[0]} must be a whole number above 0")
        layers = max(self.encoder_layers, self.tokenizer_layers, self.decoder_layers)
        wrong = [
            (layers > MOST_LAYERS, f"{layers} layers are more than {MOST_LAYERS}"),
            (not all(map(math.isfinite, numbers.values())), "a number is not finite"),
            (not (0 <= self.dropout < 1 and 0 <= self.mask < 1), "shares must be from 0 to below 1"),
            (
                any(self.dim % h for h in (self.encoder_heads, self.tokenizer_heads, self.decoder_heads)),
                f"dim {self.dim} is no multiple of its heads",
            ),
            (self.length % self.tokens != 0, f"length {self.length} is no multiple of {self.tokens} tokens"),
            (self.shape_length % UPSAMPLING != 0, f"shape_length {self.shape_length} is no multiple of 16"),
            (self.smoothing % 2 == 0, f"smoothing {self.smoothing} is even"),
        ]
        for is_wrong, problem in wrong:
            if is_wrong:
                raise ConfigError(f"no VQShape has such sizes: {problem}")

    @property
    def features(self) -> int:
        """Numbers a token: code vector, t, l, mu, sigma."""
        return self.code_dim + 4

    def to_dict(self) -> dict[str, Any]:
        return {"architecture": ARCHITECTURE, "format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VQShapeConfig:
        """Inverse of `to_dict`.

        Raises:
            ArtifactError: another architecture or format, keys missing or unknown, sizes that cannot be.
        """
        if (data.get("architecture"), data.get("format")) != (ARCHITECTURE, FORMAT):
            raise ArtifactError(
                f"config.json is of {data.get('architecture')!r}, format {data.get('format')!r}, not of "
                f"{ARCHITECTURE!r}, {FORMAT}: name a folder that `vqtext import-vqshape` wrote"
            )
        names = {field.name for field in fields(cls)}
        keys = set(data) - {"architecture", "format"}
        if keys != names:
            raise ArtifactError(f"config.json lacks or has too many settings: {sorted(keys ^ names)[:10]}")
        try:
            return cls(**{name: data[name] for name in names})
        except (ConfigError, TypeError) as error:
            raise ArtifactError(f"config.json: {error}") from error
