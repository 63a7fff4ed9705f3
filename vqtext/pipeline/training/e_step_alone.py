"""The E-step without a training after it: what `vqtext preview` and the studio show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vqtext.console.progress import Progress
from vqtext.errors import ConfigError, WordsError
from vqtext.pipeline.dedup import Dedup
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.grounding.e_step import Posterior
    from vqtext.model.grounding.emissions import Evidence
    from vqtext.model.vocabulary import Grammar


def check_signatures_are_read(settings: Settings) -> None:
    """Check what the E-step needs, before anything is measured.

    Raises:
        ConfigError: the grounding reads no signatures.
        ArtifactError: windows, texts or anchors are missing or stale.
    """
    if "signal" not in settings.train.sources:
        raise ConfigError(
            f"train.grounding {settings.train.grounding} does not read the sensors, so no step can be found: "
            "take order+signal"
        )
    Dedup(settings, Progress(quiet=True)).check()


def posterior_of(evidence: Evidence, grammar: Grammar, settings: Settings) -> Posterior:
    """The step of each moment.

    Raises:
        WordsError: no signature speaks of a sensor that is there, and nothing was corrected.
    """
    from vqtext.model.grounding.e_step import e_step

    posterior = e_step(evidence, grammar, settings.train.sources)
    if not posterior.known.any():
        raise WordsError(
            "no signature is about a sensor of this data, so no step can be found: write signatures in "
            "subactions.json, then run `vqtext embed` and `vqtext dedup`, or correct a moment of each step"
        )
    return posterior
