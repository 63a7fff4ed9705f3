"""Independent channels may start from a VQShape that was trained before, on other data."""

from __future__ import annotations

from pathlib import Path

from vqtext.errors import ConfigError
from vqtext.model.network.network import Network
from vqtext.model.vqshape import VQShape, VQShapeConfig
from vqtext.settings.schema import ModelSettings

# Our setting: VQShape's size
SIZES = {
    "dim": "dim",
    "dim_code": "code_dim",
    "codes": "codes",
    "patches": "patches",
    "tokens": "tokens",
    "layers": "encoder_layers",
    "heads": "encoder_heads",
}


def sizes_of(settings: ModelSettings) -> tuple[ModelSettings, VQShapeConfig | None]:
    """The settings with the sizes of the VQShape they start from, and its sizes; None where there is none.

    Raises:
        ConfigError: channels are joint, or a size was set to another than the VQShape's.
        ArtifactError: no VQShape there, or a damaged one.
    """
    if settings.init is None:
        return settings, None
    if settings.channels != "independent":
        raise ConfigError(
            "model.init starts independent channels alone: set model.channels to independent, or leave "
            "model.init out"
        )
    started = VQShape.from_pretrained(settings.init).config
    sizes = {name: getattr(started, theirs) for name, theirs in SIZES.items()}
    fields = ModelSettings.model_fields
    wrong = {
        name: getattr(settings, name)
        for name, size in sizes.items()
        if getattr(settings, name) not in (size, fields[name].default)
    }
    if wrong:
        listed = "; ".join(
            f"model.{name} is {size}, its {name} {sizes[name]}" for name, size in wrong.items()
        )
        raise ConfigError(
            f"the VQShape of model.init {settings.init} has other sizes: {listed}: leave them out, and they "
            "are its own"
        )
    return settings.model_copy(update=sizes), started


def start(network: Network, folder: Path | str) -> None:
    """Give a new network the weights of a VQShape, of the sizes that `sizes_of` gave.

    Raises:
        ArtifactError: no VQShape there, or a damaged one.
        ConfigError: it is another than the network was made for.
    """
    vqshape = VQShape.from_pretrained(folder)
    if vqshape.config != network.config.started:
        raise ConfigError(f"the VQShape of {folder} is not the one this model was made for: train it anew")
    network.trunk.get_submodule("vqshape").load_state_dict(vqshape.state_dict())
