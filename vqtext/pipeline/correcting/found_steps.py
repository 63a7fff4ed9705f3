"""The steps that are found in all windows with some corrections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vqtext.pipeline.training.sensor_evidence import StepEvidence

if TYPE_CHECKING:
    from vqtext.model.grounding.e_step import Posterior


@dataclass(frozen=True)
class FoundSteps(StepEvidence):
    """Words without the steps that were left out, their evidence, and the posterior of the E-step."""

    posterior: Posterior
