"""What is found of all windows with some corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vqtext.pipeline.vocabulary.anchor_words import Words

if TYPE_CHECKING:
    from vqtext.model.grounding.e_step import Posterior
    from vqtext.model.grounding.emissions import Evidence
    from vqtext.model.vocabulary import Grammar


@dataclass(frozen=True)
class Found:
    """Attributes:
    words: without the steps that were left out; grammar: theirs.
    evidence: of all windows; posterior: of the E-step.
    """

    words: Words
    grammar: Grammar
    evidence: Evidence
    posterior: Posterior
