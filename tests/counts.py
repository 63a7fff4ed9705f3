"""Windows counted, for tests of what readers and the cutter make."""

from __future__ import annotations

from collections import Counter

from vqtext.data.windows.windows import Windows


def label_counts(windows: Windows) -> Counter[str]:
    """Windows of each label."""
    return Counter(windows.labels[label] for label in windows.label)
