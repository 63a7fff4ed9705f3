"""Checkpoints of the original VQShape, in and out.

A checkpoint is a Lightning file: ``state_dict``, whose names begin with ``model.``, and ``hyper_parameters``,
the options of the training command, as a dict or an argparse Namespace. It is read without running anything
in it: tensors, plain values and that one class are allowed.
"""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vqtext.errors import ArtifactError, ConfigError
from vqtext.model.messages import listed
from vqtext.model.tensor_files import save_torch
from vqtext.model.vqshape.config import VQShapeConfig
from vqtext.model.vqshape.weights import Model, assemble

PREFIX = "model."

# Our setting: the original's option
OPTIONS = {
    "dim": "dim_embedding",
    "patch": "patch_size",
    "patches": "num_patch",
    "encoder_heads": "num_transformer_enc_heads",
    "encoder_layers": "num_transformer_enc_layers",
    "tokenizer_heads": "num_tokenizer_heads",
    "tokenizer_layers": "num_tokenizer_layers",
    "decoder_heads": "num_transformer_dec_heads",
    "decoder_layers": "num_transformer_dec_layers",
    "tokens": "num_token",
    "length": "normalize_length",
    "shape_length": "len_s",
    "smoothing": "s_smooth_factor",
    "codes": "num_code",
    "code_dim": "dim_code",
    "mask": "mask_ratio",
    "codebook_weight": "lambda_vq_commit",
    "entropy_weight": "lambda_vq_entropy",
    "evenness": "entropy_gamma",
    "signal_weight": "lambda_x",
    "latent_weight": "lambda_z",
    "shape_weight": "lambda_s",
    "spread_weight": "lambda_dist",
}
# Checkpoints older than these options gave the tokenizer the encoder's
OLDER = {
    "num_tokenizer_heads": "num_transformer_enc_heads",
    "num_tokenizer_layers": "num_transformer_enc_layers",
}

# Our name of a weight → the original's, one after the other
NAMES = [
    (r"^encoder\.position\.", "encoder.pos_embed.positional_embeddings."),
    (r"^encoder\.project\.", "encoder.input_project."),
    (r"^tokenizer\.queries$", "tokenizer.tokens"),
    (r"^decoder\.first$", "decoder.cls_token"),
    (r"^decoder\.out\.", "decoder.out_layer."),
    (r"^(encoder|tokenizer|decoder)\.layers\.", r"\1.transformer.layers."),
    (r"\.(attention|cross)\.qkv\.", r".\1.in_proj_"),
    (r"\.(attention|cross)\.out\.", r".\1.out_proj."),
    (r"\.attention\.", ".self_attn."),
    (r"\.cross\.", ".multihead_attn."),
    (r"\.feed\.up\.", ".linear1."),
    (r"\.feed\.down\.", ".linear2."),
    (r"\.attention_norm\.", ".norm1."),
    (r"\.cross_norm\.", ".norm2."),
    (r"^(tokenizer\..*)\.feed_norm\.", r"\1.norm3."),
    (r"\.feed_norm\.", ".norm2."),
    (r"^codebook\.vectors$", "codebook.embedding.weight"),
    (r"^attribute_encoder\.", "attr_encoder."),
    (r"^attribute_decoder\.latent\.", "attr_decoder.z_head.layers."),
    (r"^attribute_decoder\.place\.", "attr_decoder.tl_mean_head.layers."),
    (r"^attribute_decoder\.offset\.", "attr_decoder.mu_head.layers."),
    (r"^attribute_decoder\.scale\.", "attr_decoder.sigma_head.layers."),
    (r"^shape_decoder\.start\.", "shape_decoder.layers.0."),
    (r"^shape_decoder\.coarse\.", "shape_decoder.layers.2.block."),
    (r"^shape_decoder\.coarse_up\.", "shape_decoder.layers.4.conv."),
    (r"^shape_decoder\.fine\.straight\.", "shape_decoder.layers.5.channel_up."),
    (r"^shape_decoder\.fine\.", "shape_decoder.layers.5.block."),
    (r"^shape_decoder\.fine_up\.", "shape_decoder.layers.7.conv."),
    (r"^shape_decoder\.out\.", "shape_decoder.layers.9."),
    (r"\.block\.first_norm\.", ".block.0."),
    (r"\.block\.first\.", ".block.2."),
    (r"\.block\.second_norm\.", ".block.3."),
    (r"\.block\.second\.", ".block.5."),
]


def original_name(name: str) -> str:
    """What a checkpoint calls a weight of ours."""
    for ours, theirs in NAMES:
        name = re.sub(ours, theirs, name)
    return PREFIX + name


def load_original(make: Callable[[VQShapeConfig], Model], path: Path | str) -> Model:
    """Load a checkpoint of the original VQShape.

    Args:
        make: a model of given sizes.
        path: ``VQShape.ckpt``.

    Raises:
        ArtifactError: no checkpoint, one of another architecture, or one whose weights do not fit its own
            options or are not finite.
    """
    path = Path(path)
    try:
        with torch.serialization.safe_globals([Namespace]):
            data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ArtifactError(f"{path} does not exist: name the checkpoint, VQShape.ckpt") from None
    except Exception as error:  # on junk, torch fails in any way there is
        unsafe = re.search(r"GLOBAL (\S+)", str(error))
        why = f"it wants to run {unsafe[1]}, which is not done" if unsafe else type(error).__name__
        raise ArtifactError(
            f"{path} cannot be read as a checkpoint ({why}): name the original's VQShape.ckpt, unzipped"
        ) from error
    tensors = data.get("state_dict") if isinstance(data, dict) else None
    if not isinstance(tensors, Mapping) or not all(
        isinstance(t, torch.Tensor) and t.layout is torch.strided for t in tensors.values()
    ):
        raise ArtifactError(f"{path} is no Lightning checkpoint: it has no state_dict of tensors")
    return assemble(make, _config(data.get("hyper_parameters"), path), tensors, path, original_name)


def save_original(model: nn.Module, config: VQShapeConfig, path: Path | str) -> None:
    """Write a checkpoint that the original's ``LitVQShape.load_from_checkpoint`` loads.

    Its ``VQShape.load_state_dict`` takes the ``state_dict`` with ``model.`` cut off.
    """
    options = {theirs: getattr(config, ours) for ours, theirs in OPTIONS.items()}
    options["codebook_type"] = "standard"
    tensors = {original_name(k): v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    save_torch(
        {
            "state_dict": tensors,
            "hyper_parameters": options,
            "hparams_name": "args",
            "pytorch-lightning_version": "2.4.0",  # the original's; Lightning asks for one
        },
        path,
    )


def _config(options: Any, path: Path) -> VQShapeConfig:
    """Sizes from the options of the training command."""
    if isinstance(options, Mapping) and "args" in options:
        options = options["args"]
    if isinstance(options, Namespace):
        options = vars(options)
    if not isinstance(options, Mapping):
        raise ArtifactError(
            f"{path} has no hyper_parameters, and weights alone do not say how many heads there are: "
            "use the file that the original's training wrote"
        )
    kind = options.get("codebook_type", "standard")
    if kind != "standard":
        raise ArtifactError(
            f"{path} has a codebook of type {kind!r}: only 'standard' is read, the published one"
        )
    sizes = {ours: options.get(name, options.get(OLDER.get(name, ""))) for ours, name in OPTIONS.items()}
    kinds = {field.name: (int,) if field.type == "int" else (int, float) for field in fields(VQShapeConfig)}
    wrong = [
        OPTIONS[ours]
        for ours, value in sizes.items()
        if isinstance(value, bool) or not isinstance(value, kinds[ours])
    ]
    if wrong:
        raise ArtifactError(
            f"{path} is not a VQShape's: its hyper_parameters lack, or give no number for, {listed(wrong)}"
        )
    try:
        return VQShapeConfig(**sizes)
    except ConfigError as error:
        raise ArtifactError(f"{path}: {error}") from error
