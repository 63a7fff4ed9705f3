"""Which written cells the training windows contradict: what `vqtext codes --words` says of them."""

from __future__ import annotations

from typing import Any

from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.settings.schema import Settings


def rejected_cells(windows: Windows, split: Split, settings: Settings) -> list[dict[str, Any]]:
    """Cells of signatures without which the training windows are clearly likelier (`rejected_cells`).

    Training uses them all the same: it is for people to mend words.

    Args:
        settings: of the run.

    Returns:
        ``label, step`` (its place in the label), ``phrase`` and ``location``, None where the cell is the way
        that the step goes.
    """
    from vqtext.model.grounding.e_step import EStepConfig, e_step
    from vqtext.pipeline.training.assemble import training_data

    if "signal" not in settings.train.sources:
        return []
    _, data = training_data(windows, split, settings)
    evidence, _ = data.evidence_of(data.train)
    config = EStepConfig(reject_cells=True)
    found = e_step(evidence, data.grammar, settings.train.sources, config)
    transcripts, anchors = data.vocabulary.transcripts, data.vocabulary.anchors
    return [
        {
            "label": transcripts[cell.label].label,
            "step": cell.use,
            "phrase": anchors[transcripts[cell.label].uses[cell.use].anchor],
            "location": None if cell.location is None else evidence.locations[cell.location],
        }
        for cell in found.rejected
    ]
