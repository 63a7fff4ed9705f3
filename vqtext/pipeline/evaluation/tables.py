"""Scores of a run for people: short tables and plain words, out of what ``evaluate.json`` holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from vqtext.console.text import cut_short, table
from vqtext.pipeline.evaluation.robustness.scores import robust_lines
from vqtext.pipeline.evaluation.scores import SURE
from vqtext.reason import OUT_OF_DISTRIBUTION

FALL = 0.05
"""A score that is lower by more than this, and by more than its spread over seeds, has fallen."""

FAR_BEHIND = 0.1
"""Accuracy by which the class head must lead the steps for a remark."""


def summary_lines(result: Mapping[str, Any]) -> list[str]:
    """All lines."""
    return [
        *_classification(result),
        *_grounding(result),
        *_without_truth(result),
        _confidence(result["sureness"]),
        *_trust(result),
        *_controls(result),
        *(robust_lines(result["robustness"], with_spread) if result["robustness"] else ()),
    ]


def with_spread(m: Mapping[str, Any]) -> str:
    """A measure with its spread: "0.861 ± 0.012"."""
    if m["mean"] is None:
        return "not measured"
    spread = f" ± {m['std']:.3f}" if len(m["values"]) > 1 else ""
    return f"{m['mean']:.3f}{spread}"


def _classification(result: Mapping[str, Any]) -> Iterator[str]:
    subjects = result["subjects"]
    several = any(len(found["windows"]) > 1 for found in subjects.values())
    rows = [["classifier", "accuracy", "macro-F1", *(["accuracy by subject"] if several else [])]]
    for name, scores in result["classification"].items():
        rows.append([name, with_spread(scores["accuracy"]), with_spread(scores["macro_f1"])])
        if several:
            rows[-1].append(_spread_text(subjects[name]["accuracy"]))
    who = ", ".join(result["test_subjects"])
    tested = f"test subjects {cut_short(who)}" if who else f"{result['split']} split"
    if result["folds"]:
        tested += f" in {result['folds']} folds, each tested once"
    yield (
        f"{result['dataset']}, {tested}, {result['test_windows']} windows, signal alone, "
        f"{len(result['seeds'])} seed(s)"
    )
    yield from table(rows)
    yield (
        "the steps decide the class (decoding); among classes that are written as the same steps the class "
        f"head chooses: in {with_spread(result['chosen_by_head'])} of the windows"
    )
    yield from _behind_head(result["classification"])
    yield f"calibration error of the decoding: {with_spread(result['ece'])}"
    lost = sum(result["unlearned"].values())
    if lost:
        names = ", ".join(map(repr, result["unlearned"]))
        yield (
            f"{lost} of {result['test_windows']} test windows have a label that no training window had "
            f"({cut_short(names)}): they count as mistakes"
        )


def _behind_head(scores: Mapping[str, Any]) -> Iterator[str]:
    """A remark where the signal tells the classes much better than their steps do."""
    decoding, head = (scores[name]["accuracy"]["mean"] for name in ("decoding", "head"))
    if head - decoding > FAR_BEHIND:
        yield (
            f"the class head alone is right in {head:.3f}: the signal tells these classes apart better than "
            "their steps do; look at the steps with `vqtext preview`, and mend the words"
        )


def _spread_text(measure: Mapping[str, Any]) -> str:
    values = measure["values"]
    worst = min(values, key=values.get)
    return f"{measure['mean']:.3f} ± {measure['std']:.3f}, lowest {values[worst]:.3f} (subject {worst})"


_MEANING = {
    "named_accuracy": "share of the time that is named right",
    "named_recall": "the same, each truth word counted alike",
    "straddling": "time under phrases that stand for several truth words, right on each",
    "named_recall_clear": "recall over the rest of the time",
    "named_recall@50ms": "a border may be 50 ms off",
    "edit": "order of the segments",
    "f1@10": "segments that overlap by 10 %",
    "f1@25": "by 25 %",
    "f1@50": "by 50 %",
    "hungarian_accuracy": "accuracy after the best renaming of the truth words",
    "naming_gap": "what that renaming gains: 0 if names are true",
    "code_purity": "time under a code that has its commonest truth word",
    "nmi": "what codes tell of truth words",
    "seed_agreement": "frames that two seeds name alike",
}


def _grounding(result: Mapping[str, Any]) -> Iterator[str]:
    note, scores = result["grounding_note"], result["grounding"]
    if scores is None:
        if note:
            yield note
        return
    details = result["grounding_details"]
    yield "names of the decoding against the truth"
    rows = []
    for name, meaning in _MEANING.items():
        null = (
            f"; {with_spread(details['null'][name])} with shuffled codes" if name in details["null"] else ""
        )
        rows.append([f"  {name}", with_spread(scores[name]), meaning + null])
    yield from table(rows)
    by_word = ", ".join(f"{word} {with_spread(m)}" for word, m in details["recall"].items())
    yield f"  recall by word: {by_word}"
    yield f"  purity of the sub-steps of codes: {with_spread(details['substep_purity'])}"
    if details["word_agreement"]["mean"] is not None:
        yield f"  frames in which two seeds agree on the truth word: {with_spread(details['word_agreement'])}"
    if note:
        yield f"  {note}"


def _without_truth(result: Mapping[str, Any]) -> Iterator[str]:
    proxies = result["proxies"]
    yield "without any truth"
    if proxies["seed_agreement"]["mean"] is None:
        yield "  agreement of seeds: needs two seeds"
    else:
        yield f"  agreement of seeds: {with_spread(proxies['seed_agreement'])} of the frames"
    yield (
        f"  label purity of codes: {with_spread(proxies['label_purity'])} "
        f"(shuffled codes: {with_spread(proxies['null'])})"
    )
    checks = {place: m for place, m in proxies["moves_more"].items() if m["mean"] is not None}
    if checks:
        yield (
            "  motion check: a sensor moves more under codes named for its part of the body (chance 0.5): "
            + ", ".join(f"{place} {with_spread(m)}" for place, m in checks.items())
        )


def _confidence(sureness: Mapping[str, Any]) -> str:
    agreed = sureness["sure_agreement"]
    seeds = f"; there two seeds agree in {with_spread(agreed)}" if agreed["mean"] is not None else ""
    return (
        f"confidence of names: {with_spread(sureness['confidence'])} on average, {SURE} or more in "
        f"{with_spread(sureness['sure'])} of the frames{seeds}"
    )


def _trust(result: Mapping[str, Any]) -> Iterator[str]:
    named, random = (result["faithfulness"][name] for name in ("deletion_named", "deletion_random"))
    if named["mean"] is None:
        yield "deletion test: nothing is named, so nothing can be deleted"
    else:
        yield (
            f"deletion test: without its strongest steps a class posterior drops by {with_spread(named)} "
            f"(random deletion: {with_spread(random)})"
        )
        if named["mean"] <= random["mean"]:
            yield "  named steps matter no more to the class than random stretches"
    yield f"{with_spread(result['unlike'])} of the test windows are {OUT_OF_DISTRIBUTION}, marked as doubtful"
    alone, together = (result["missed"][name] for name in ("codes_alone", "tokens_together"))
    if alone["mean"] is not None:
        yield (
            f"reconstruction error, a share of each window's variance: codes alone {with_spread(alone)}, "
            f"all tokens together {with_spread(together)}"
        )
    leak, shuffled = result["leak"]["text_only_accuracy"], result["leak_shuffled"]
    if leak["mean"] is not None:
        yield (
            f"text leak: label predicted from the guidance text alone in {with_spread(leak)} of test "
            f"windows (others' text: {with_spread(shuffled)}); all scores here are of the signal alone"
        )


def _controls(result: Mapping[str, Any]) -> Iterator[str]:
    if result["controls"] is None:
        return
    from vqtext.pipeline.evaluation.controls import ALL_CONTROLS, SWAPPED

    grounded = result["grounding"] is not None
    yield "controls: the same training with words destroyed"
    rows = [
        ["  control", "accuracy", *(["named recall", "naming gap"] if grounded else []), "what is destroyed"]
    ]
    all_scores = {"the run itself": result, **result["controls"]}
    for name, scores in all_scores.items():
        what = ALL_CONTROLS[name].what if name in ALL_CONTROLS else ""
        if scores is None:
            rows.append([f"  {name}", "no guidance", *(["", ""] if grounded else []), what])
            continue
        row = [f"  {name}", with_spread(scores["classification"]["decoding"]["accuracy"])]
        if grounded:
            row += [with_spread(scores["grounding"][key]) for key in ("named_recall", "naming_gap")]
        rows.append([*row, what])
    yield from table(rows)
    if not grounded:
        yield "  the data have no truth, so that only classes are compared: those may do without words"
        return
    mode = result["grounding_mode"]
    for name, scores in result["controls"].items():
        if scores is None:
            continue
        must, fell = ALL_CONTROLS[name].must_fall(mode), _fell(result, scores)
        if name == SWAPPED and must and scores["grounding"]["naming_gap"]["mean"] < FALL:
            yield f"  {name}: names did not come out swapped, as they should with {mode}"
        elif must and not fell:
            yield f"  {name}: names did not fall, as they should with {mode}: they come from elsewhere"
        elif fell and not must:
            yield f"  {name}: names fell, which {mode} does not explain"


def _fell(run: Mapping[str, Any], control: Mapping[str, Any]) -> bool:
    before, after = (scores["grounding"]["named_recall"] for scores in (run, control))
    return bool(before["mean"] - after["mean"] > max(FALL, before["std"], after["std"]))
