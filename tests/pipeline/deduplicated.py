"""Words with opposites, sides and spellings, and ``vqtext dedup`` run on them."""

from __future__ import annotations

from typing import Any

from vqtext.cache import hdf5
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.settings.schema import DedupSettings, Settings

UP = {"phrase": "move the arm up now", "opposite": "move the arm down now", "direction": "up"}
DOWN = {"phrase": "move the arm down now", "opposite": "move the arm up now", "direction": "down"}
AGAIN = {
    "phrase": "Move  the ARM up now",
    "opposite": "drop it",
    "display": "팔을 든다",
    "signature": {"wrist": {"motion": "strong"}},
}
LEFT = {"phrase": "swing that left leg forward", "side": "left"}
RIGHT = {"phrase": "swing that right leg forward", "side": "right"}
WORDS = {"waving": [UP, DOWN, "rest"], "walking": [LEFT, RIGHT, AGAIN, "rest still"], "standing": ["rest"]}


def settings_at(settings: Settings, threshold: float) -> Settings:
    return settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"threshold": threshold})})


def dedup(settings: Settings, heard: Any, threshold: float = 0.7) -> dict[str, Any]:
    settings = settings_at(settings, threshold)
    run(Embed(settings, heard))
    return run(Dedup(settings, heard))


def decide(settings: Settings, heard: Any, **decisions: Any) -> dict[str, Any]:
    """Anchors under decisions of a person; ``texts.h5`` is made where it is missing."""
    settings = settings.model_copy(update={"dedup": DedupSettings(**decisions)})
    run(Embed(settings, heard))
    return run(Dedup(settings, heard))


def read(settings: Settings) -> dict[str, Any]:
    with hdf5.open_artifact(settings.cache / "anchors.h5", "anchors") as file:
        return {name: file[name] for name in file.names()} | file.attrs


def clusters(answer: dict[str, Any]) -> set[frozenset[str]]:
    return {frozenset(cluster["members"]) for cluster in answer["clusters"]}
