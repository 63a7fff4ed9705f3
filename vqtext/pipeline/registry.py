"""All stages, in the order of the flow. Their modules are imported when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vqtext.pipeline.stage import Stage


@dataclass(frozen=True)
class Entry:
    """Where a stage lives.

    Attributes:
        command: ``vqtext COMMAND`` runs it.
        module, stage: the module and the class in it.
    """

    command: str
    module: str
    stage: str

    def load(self) -> type[Stage]:
        """The class; imports its module."""
        return getattr(import_module(self.module), self.stage)


STAGES = (
    Entry("prepare", "vqtext.pipeline.prepare", "Prepare"),
    Entry("gen-subactions", "vqtext.pipeline.gen_subactions", "GenSubactions"),
    Entry("describe", "vqtext.pipeline.describe", "Describe"),
    Entry("embed", "vqtext.pipeline.embed", "Embed"),
    Entry("dedup", "vqtext.pipeline.dedup", "Dedup"),
    Entry("train", "vqtext.pipeline.train", "Train"),
    Entry("evaluate", "vqtext.pipeline.evaluate", "Evaluate"),
    Entry("explain", "vqtext.pipeline.explain", "Explain"),
)
