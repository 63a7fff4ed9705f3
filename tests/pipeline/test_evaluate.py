"""A user would lose: the evidence itself. Real stages and a tiny model, whose numbers are poor and whose keys
are exact."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.errors import ArtifactError, WordsError
from vqtext.model.decoding import decoder
from vqtext.model.load import load
from vqtext.pipeline import evaluate
from vqtext.pipeline.convert import export, lines
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation import controls, tables
from vqtext.pipeline.evaluation.card import _plain
from vqtext.pipeline.evaluation.tables import summary_lines
from vqtext.pipeline.evaluation.tested import anchor_places
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import EvaluateSettings, GuidanceSettings, Settings

TABLE = '[truth]\n"calm" = ["leg up", "arm out"]\n"wild" = ["foot down", "arm back"]\n'
CLASSIFIERS = ("tokens", "histogram", "head", "steps", "decoding")
GROUNDING = [
    "named_accuracy", "named_recall", "straddling", "named_recall_clear",
    "named_recall@50ms", "edit", "f1@10", "f1@25", "f1@50", "hungarian_accuracy", "naming_gap",
    "code_purity", "nmi", "seed_agreement",
]  # fmt: skip
CONTROLS = [
    "permuted_names", "random_words", "random_phrases", "shuffled_order", "shuffled_guidance", "no_text",
]  # fmt: skip


@pytest.fixture
def trained(prepared: Any, heard: Any, request: Any) -> Settings:  # noqa: F811
    """A run of two seeds, or of those asked for, on people who are calm and wild in turn."""
    windows = study()
    windows.truth = np.tile(np.repeat([0, 1, -1], [18, 18, 4]), (windows.n, 1)).astype(np.int16)
    windows.length[:] = 38
    windows.signal[..., 38:] = np.nan
    settings = prepared(windows, test_subjects=["3"], epochs=1, seeds=getattr(request, "param", [0, 1]))
    (settings.cache / "truth.toml").write_text(TABLE)
    run(Train(settings, heard))
    return settings


def asked(settings: Settings, **evaluate: Any) -> Settings:
    return settings.model_copy(update={"evaluate": EvaluateSettings(**evaluate)})


def result_of(settings: Settings) -> Any:
    return json.loads((settings.cache / "runs/default/evaluate.json").read_text())


def is_measure(m: Any, values: int) -> bool:
    return list(m) == ["mean", "std", "values"] and len(m["values"]) == values


def test_json_has_exactly_these_keys(trained: Settings, heard: Any) -> None:
    stage = Evaluate(asked(trained, truth=trained.cache / "truth.toml"), heard)
    scores = run(stage)
    assert list(scores) == [
        "dataset", "test_subjects", "seeds", "classification", "grounding", "controls", "faithfulness",
        "leak",
    ]  # fmt: skip
    assert list(scores["classification"]) == [*CLASSIFIERS, "ece"]
    for name in CLASSIFIERS:
        assert list(scores["classification"][name]) == ["accuracy", "macro_f1"]
    assert is_measure(scores["classification"]["ece"], 2)
    assert list(scores["grounding"]) == GROUNDING and scores["controls"] is None
    assert all(is_measure(m, 1 if name == "seed_agreement" else 2) for name, m in scores["grounding"].items())
    assert list(scores["faithfulness"]) == ["deletion_named", "deletion_random"]
    assert list(scores["leak"]) == ["text_only_accuracy"]
    assert scores["leak"]["text_only_accuracy"]["mean"] == 1, "the guidance holds the label's own words"
    told = "\n".join(stage.lines(scores))
    assert "calm " in told
    result = json.loads(stage.target.read_text())
    assert result["leak_shuffled"]["mean"] < 0.8, "the words of other windows tell nothing of these"
    assert all(0 < m["mean"] < 2 for m in result["missed"].values())
    assert "x moves more" not in told


def test_without_a_table_that_fits_names_are_not_scored_and_people_are_told(
    trained: Settings, heard: Any
) -> None:
    stage = Evaluate(trained, heard)
    scores = run(stage)
    assert scores["grounding"] is None
    said = "no table says which truth word 'leg up' stands for; write a truth.toml and give it with --truth"
    assert any(said in line for line in heard.warned) and any(said in line for line in stage.lines(scores))


def test_a_changed_table_makes_the_scores_again_and_a_wrong_one_leaves_them(
    trained: Settings, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "CONFIG", replace(decoder.CONFIG, background=-1e9))  # nothing is unknown
    settings = asked(trained, truth=trained.cache / "truth.toml")
    before = run(Evaluate(settings, heard))["grounding"]
    assert run(Evaluate(settings, heard))["grounding"] == before and "up to date" in heard.said[-1]
    other = TABLE.replace('"calm"', '"x"').replace('"wild"', '"calm"').replace('"x"', '"wild"')
    (trained.cache / "truth.toml").write_text(other)
    after = run(Evaluate(settings, heard))["grounding"]
    for one, two in zip(before["named_accuracy"]["values"], after["named_accuracy"]["values"], strict=True):
        assert one + two == pytest.approx(1), "two words and no other: what was right is wrong"
    (trained.cache / "truth.toml").write_text(TABLE.replace("leg up", "leg upp"))
    with pytest.raises(WordsError, match=r"truth\.toml.*'calm'.*'leg upp'.*'leg up'"):
        run(Evaluate(settings, heard))
    (trained.cache / "truth.toml").unlink()
    with pytest.raises(ArtifactError, match=r"truth\.toml"):
        run(Evaluate(settings, heard))
    assert result_of(trained)["grounding"] == after


def test_a_phrase_that_stands_for_two_words_is_right_on_both_and_its_time_is_told(
    trained: Settings, heard: Any
) -> None:
    (trained.cache / "truth.toml").write_text(TABLE.replace('"arm back"', '"arm back", "leg up"'))
    stage = Evaluate(asked(trained, truth=trained.cache / "truth.toml"), heard)
    answer = run(stage)
    straddling = answer["grounding"]["straddling"]["mean"]
    assert 0 < straddling < 1 and "never right" not in "\n".join(stage.lines(answer))


@pytest.mark.parametrize("trained", [[0]], indirect=True)
def test_controls_are_trained_like_the_run_and_measured_like_it(trained: Settings, heard: Any) -> None:
    settings = asked(trained, truth=trained.cache / "truth.toml", controls=True)
    stage = Evaluate(settings, heard)
    scores = run(stage)
    assert list(scores["controls"]) == CONTROLS
    for found in scores["controls"].values():
        assert list(found) == ["classification", "grounding"] and list(found["grounding"]) == GROUNDING
        assert list(found["classification"]) == [*CLASSIFIERS, "ece"]
        assert is_measure(found["classification"]["decoding"]["accuracy"], 1)
    told = "\n".join(stage.lines(scores))
    assert all(name in told for name in [*CONTROLS, "swapped_sides", "the run itself"])
    assert {path.name for path in (trained.cache / "runs/default").iterdir()} == {
        "run.json", "evaluate.json", ".evaluate.json.lock", "seed-0",
    }  # fmt: skip


def test_a_run_without_guidance_has_no_leak_and_no_guidance_to_shuffle(
    prepared: Any,  # noqa: F811
    heard: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = ("shuffled_guidance", "no_text")
    monkeypatch.setattr(controls, "ALL_CONTROLS", {name: controls.ALL_CONTROLS[name] for name in few})
    monkeypatch.setattr(evaluate, "CONTROLS", few)
    settings = prepared(study(), test_subjects=["3"], epochs=1)
    settings = settings.model_copy(update={"guidance": GuidanceSettings(source="none")})
    run(Train(settings, heard))
    stage = Evaluate(asked(settings, controls=True), heard)
    scores = run(stage)
    assert scores["leak"]["text_only_accuracy"] == {"mean": None, "std": None, "values": []}
    assert scores["controls"]["shuffled_guidance"] is None
    assert all(found["grounding"] is None for found in scores["controls"].values() if found is not None)
    told = "\n".join(stage.lines(scores))
    assert "shuffled_guidance  no guidance" in told


def test_controls_that_do_not_fall_are_told_in_words(trained: Settings, heard: Any) -> None:
    run(Evaluate(asked(trained, truth=trained.cache / "truth.toml"), heard))
    result = result_of(trained)

    def scored(recall: float, gap: float = 0.0) -> Any:
        m = {
            name: {"mean": x, "std": 0.01, "values": [x, x]}
            for name, x in (("named_recall", recall), ("naming_gap", gap))
        }
        return {
            "classification": result["classification"],
            "ece": result["ece"],
            "grounding": {**result["grounding"], **m},
        }

    result |= scored(0.8)
    result["controls"] = {
        "permuted_names": scored(0.78),
        "random_words": scored(0.2),
        "random_phrases": scored(0.3),
        "shuffled_order": scored(0.4),
        "shuffled_guidance": scored(0.79),
        "no_text": scored(0.1),
        "swapped_sides": scored(0.5, gap=0.01),
    }
    told = [line.strip() for line in summary_lines(result)][-3:]
    assert told == [
        "permuted_names: names did not fall, as they should with order+signal: they come from elsewhere",
        "random_phrases: names fell, which order+signal does not explain",
        "swapped_sides: names did not come out swapped, as they should with order+signal",
    ]


def test_steps_that_one_fold_joined_and_another_did_not_have_places_of_their_own() -> None:
    """Else a name of one fold would be held against the truth of another's."""
    given = [Words(names, np.eye(len(names)), [], [], []) for names in (["a, b", "c"], ["a", "b", "c"])]
    assert [place.tolist() for place in anchor_places(given)] == [[0, 1], [2, 3, 1]]


def test_a_card_tells_what_was_measured_of_exactly_this_model(trained: Settings, heard: Any) -> None:
    """Somebody would choose a model by the scores of another one."""
    run_folder = trained.cache / "runs/default"
    model, out = load(run_folder), trained.cache / "shared"

    def card() -> ModelCard:
        model.save_pretrained(out)
        return ModelCard.load(out / "README.md")

    assert "No score is known" in card().text
    run(Evaluate(asked(trained, truth=trained.cache / "truth.toml"), heard))
    found, said = result_of(trained), card()
    assert said.data.library_name == "vqtext" and "vqshape" in said.data.tags and said.data.license is None
    measures = (found["classification"]["decoding"]["accuracy"], found["grounding"]["named_recall"])
    for measure in (*measures, found["ece"]):
        assert f"| {tables.with_spread(measure)} |" in said.text
    assert f"on {found['test_windows']} windows of {found['dataset']}, 1 person, on people that" in said.text
    assert "mean and spread of models of 2 seeds" in said.text
    for channel in model.config.channels:
        assert f"| {channel.location} | {channel.modality} | {channel.axis} | {channel.unit} |" in said.text
    for phrase in (*model.vocabulary.anchors, *model.config.labels):
        assert phrase in said.text
    with torch.no_grad():
        before = model.network.normalise.mean.clone()
        model.network.normalise.mean.add_(1)
    with pytest.warns(UserWarning, match=r"evaluate\.json.*vqtext evaluate"):
        assert "No score is known" in card().text, "its weights were changed"
    model.network.normalise.mean.copy_(before)
    assert "Measured by" in card().text
    for damage, why in (("{", "cannot be read"), (json.dumps({**found, "ece": {}}), "cannot be read")):
        (run_folder / "evaluate.json").write_text(damage)
        with pytest.warns(UserWarning, match=why):
            assert "No score is known" in card().text
    (run_folder / "evaluate.json").write_text(json.dumps({**found, "made_by": "evaluate 3"}))
    answer = export(run_folder, "hub-folder", out)
    assert answer["files"] == ["README.md", "anchors.json", "config.json", "model.safetensors"]
    assert ["another version of vqtext" in said for said in answer["warnings"]] == [True]
    assert len(lines(answer)) == 2


def test_no_word_of_a_card_is_taken_for_markup() -> None:
    """Labels and phrases are data, and a card is shown as a page."""
    assert _plain("a|b\n<script> [x](y) `c` # acc_x _d_") == r"a\|b \<script\> \[x\](y) \`c\` \# acc_x \_d\_"
