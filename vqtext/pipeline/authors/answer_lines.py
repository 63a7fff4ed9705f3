"""The answers of ``vqtext gen-subactions`` for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def summary_lines(summary: Mapping[str, Any]) -> list[str]:
    """What stands in the file."""
    labels, by_hand, drafts = summary["labels"], summary["kept"], summary.get("drafts")
    lines = [f"{len(labels)} labels, {sum(labels.values())} sub-actions: {summary['path']}"]
    if summary.get("model"):
        how = summary["reply_format"] or "replies of unknown format"
        lines.append(f"written by {summary['model']} ({how})")
    if drafts and drafts > 1:
        lines.append(f"{drafts} drafts each; signature cells they disagreed on: {summary['disagreed']}")
    if by_hand:
        lines.append(f"kept as written by hand: {', '.join(map(repr, by_hand))}")
    return lines


def plan_lines(plan: Mapping[str, Any]) -> list[str]:
    """What would be asked, for ``--dry-run``."""
    from vqtext.pipeline.llm import estimate

    labels = [repr(label) for label in plan["labels"]]
    lines = estimate.plan_lines(
        plan, f" for the words of {', '.join(labels)}", f"the prompt for {''.join(labels[:1])}"
    )
    if not plan["calls"]:
        return lines
    if any(plan["offered"]):
        sizes = ", ".join(str(len(wave)) for wave in plan["waves"])
        lines.append(
            f"--- asked in waves of {sizes} labels; their prompts end with phrases of the labels that "
            f"are done ({', '.join(map(str, plan['offered']))} of them at most):"
        )
        lines += plan["offer"].splitlines()
    if plan["harmonise"]:
        lines.append("--- the last request, for the same words across labels, without the words it lists:")
        lines += plan["harmonise"].splitlines()
    return lines


def failure_text(failed: Mapping[str, str]) -> str:
    """Labels that could not be written, those of one reason together.

    Args:
        failed: label → reason.
    """
    labels: dict[str, list[str]] = {}
    for label, reason in failed.items():
        labels.setdefault(reason, []).append(repr(label))
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in labels.items())
