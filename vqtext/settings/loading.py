"""Where settings come from: command line > ``VQTEXT_…`` variables > ``vqtext.toml`` > defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vqtext.errors import ConfigError
from vqtext.settings.presets import preset_names
from vqtext.settings.schema import Settings

FILE = "vqtext.toml"
PREFIX = "VQTEXT_"
OTHER_VARIABLES = frozenset({"VQTEXT_DATA"})
"""Variables that are no settings: where the tests find recordings."""


@dataclass(frozen=True)
class Loaded:
    """Settings, and where each of them came from.

    Attributes:
        settings: the whole tree.
        origins: for each setting, by its dotted name ("dedup.threshold"): "command line", the variable,
            "vqtext.toml", "preset NAME" or "default".
    """

    settings: Settings
    origins: dict[str, str]

    def values(self) -> dict[str, Any]:
        """Every setting as plain data, by its dotted name; secrets are masked."""
        plain = self.settings.model_dump(mode="json")
        return {name: reduce(getitem, name.split("."), plain) for name in self.origins}


def load_settings(
    options: Mapping[str, object] | None = None,
    folder: Path | str = "",
    environment: Mapping[str, str] = os.environ,
) -> Loaded:
    """Put the settings together.

    Args:
        options: what the command line says, by dotted name; None means that it says nothing.
        folder: where ``vqtext.toml`` may lie.
        environment: variables by name.

    Raises:
        ConfigError: a setting that does not exist, with the nearest that does; a value it cannot have; a file
            that cannot be read. Values are never repeated in the message: one of them may be a secret.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    variables = _read_variables(environment)
    by_name = {name: text for name, (_, text) in variables.items()}
    written = _read_file(Path(folder) / FILE)

    class Sources(Settings, BaseSettings):
        model_config = SettingsConfigDict(**Settings.model_config)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            in_order = (_nest(given), _nest(by_name), written)
            return tuple(InitSettingsSource(settings_cls, given) for given in in_order)

    origins = dict.fromkeys(fields(), "default")
    origins |= dict.fromkeys(_flatten(written), FILE)
    origins |= {name: variable for name, (variable, _) in variables.items()}
    origins |= dict.fromkeys(given, "command line")
    try:
        settings = Sources()
        for name in preset_names(settings.train.preset):
            if origins[name] == "default":
                origins[name] = f"preset {settings.train.preset}"
        return Loaded(settings, {name: origins[name] for name in fields()})
    except ValidationError as error:
        raise ConfigError(_explain(error, origins)) from None


def used_by(loaded: Loaded, setting: str, value: str, needing: tuple[str, ...]) -> None:
    """What was typed for a language model must be used by one.

    Args:
        setting, value: a model is asked where this setting has this value.
        needing: how the names of the settings begin that are for a model alone.

    Raises:
        ConfigError: it would not be.
    """
    now = loaded.values()[setting]
    typed = [
        name
        for name, origin in loaded.origins.items()
        if origin == "command line" and name.startswith(needing)
    ]
    if typed and now != value:
        raise ConfigError(
            f"{typed[0]} would not be used: {setting} is {now} ({loaded.origins[setting]}); add "
            f"--{setting.rpartition('.')[2]} {value}, or leave it out"
        )


def one_way_to_a_threshold(loaded: Loaded) -> None:
    """Of target, calibrate and threshold the first that is set decides, and the others are not used. What
    was typed must be used.

    Raises:
        ConfigError: it would not be.
    """
    dedup, origins = loaded.settings.dedup, loaded.origins
    ways = {"target": dedup.target is not None, "calibrate": dedup.calibrate, "threshold": True}
    decides, *others = (way for way, chosen in ways.items() if chosen)
    for way in others:
        if origins[f"dedup.{way}"] == "command line":
            origin = origins[f"dedup.{decides}"]
            raise ConfigError(
                f"--{way} would not be used: dedup.{decides} ({origin}) sets the threshold; leave one out"
            )


def check_name(name: str) -> None:
    """Check that there is a setting of this dotted name.

    Raises:
        ConfigError: there is none; it names the nearest that there is.
    """
    if name not in (known := fields()):
        raise ConfigError(f"there is no setting {name}" + _nearest(name, list(known)))


def fields() -> dict[str, FieldInfo]:
    """Every setting by its dotted name."""
    return dict(_walk(Settings))


def _walk(model: type[BaseModel], above: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _walk(field.annotation, f"{above}{name}.")
        else:
            yield f"{above}{name}", field


def variable_of(name: str) -> str:
    """The variable of a setting: "dedup.threshold" → "VQTEXT_DEDUP__THRESHOLD"."""
    return PREFIX + name.upper().replace(".", "__")


def _read_variables(environment: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Dotted name → (variable, its text). An empty variable says nothing."""
    known = {variable_of(name): name for name in fields()}
    found = {}
    for variable, text in environment.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable not in known:
            raise ConfigError(f"there is no setting {variable}" + _nearest(variable, list(known)))
        if text:
            found[known[variable]] = (variable, text)
    return found


def _read_file(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None


def _nest(flat: Mapping[str, object]) -> dict[str, Any]:
    """{"dedup.threshold": 0.8} → {"dedup": {"threshold": 0.8}}."""
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, last = name.split(".")
        place = nested
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return nested


def _flatten(nested: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in nested.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    """The first problem in one line: where it was set, what is wrong, what is right."""
    problem = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, problem["loc"]))
    if problem["type"] == "extra_forbidden":
        sections = {name.partition(".")[0] for name in fields()}
        return f"{FILE}: there is no setting {place}" + _nearest(place, [*fields(), *sections])
    if problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return f"{FILE}: {place} is a section: write [{place}] above its settings"
    if problem["type"] == "value_error":  # settings of one section that do not go together
        sources = {origin for name, origin in origins.items() if name.startswith(f"{place}.")} - {"default"}
        return f"{', '.join(sorted(sources))}: {place}: {problem['ctx']['error']}"
    name = next(name for name in fields() if f"{place}.".startswith(f"{name}."))
    inside = problem["loc"][name.count(".") + 1 :]  # a place in a list, or which of several kinds was tried
    place = ".".join([name, *(str(part) for part in inside if isinstance(part, int))])
    origin = FILE if origins[name] == "default" else origins[name]  # a table where a value should be
    meaning = f" ({fields()[name].description})" if fields()[name].description else ""
    return f"{origin}: {place}: {problem['msg'][:1].lower()}{problem['msg'][1:]}{meaning}"


def _nearest(name: str, known: list[str]) -> str:
    """The end of a message: ": did you mean …?", by the whole name or, where a section was forgotten, by its
    last part."""
    near = get_close_matches(name, known, n=1, cutoff=0.7)
    if not near:
        last = {known_name.rpartition(".")[2]: known_name for known_name in reversed(known)}
        near = [
            last[part] for part in get_close_matches(name.rpartition(".")[2], list(last), n=1, cutoff=0.7)
        ]
    return f": did you mean {near[0]}?" if near else ": `vqtext config` lists them all"
