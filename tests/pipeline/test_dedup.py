"""``vqtext dedup``: phrases → anchors, every use kept as written, opposites and other sides apart."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.config import Settings
from vqtext.errors import ArtifactError, UsageError, WordsError
from vqtext.pipeline import embed
from vqtext.pipeline.contrast import contrast
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import StaleError, run
from vqtext.schema import SubAction

UP = {"phrase": "move the arm up now", "opposite": "move the arm down now", "direction": "up"}
DOWN = {"phrase": "move the arm down now", "opposite": "move the arm up now", "direction": "down"}
AGAIN = {
    "phrase": "Move  the ARM up now",
    "opposite": "drop it",
    "signature": {"wrist": {"motion": "strong"}},
}
LEFT = {"phrase": "swing that left leg forward", "side": "left"}
RIGHT = {"phrase": "swing that right leg forward", "side": "right"}
WORDS = {"waving": [UP, DOWN, "rest"], "walking": [LEFT, RIGHT, AGAIN], "standing": ["rest", "rest still"]}


def settings_at(settings: Settings, threshold: float) -> Settings:
    return settings.model_copy(update={"dedup": settings.dedup.model_copy(update={"threshold": threshold})})


def dedup(settings: Settings, heard: Any, threshold: float = 0.7) -> dict[str, Any]:
    settings = settings_at(settings, threshold)
    run(Embed(settings, heard))
    return run(Dedup(settings, heard))


def read(settings: Settings) -> dict[str, Any]:
    with hdf5.open_artifact(settings.cache / "anchors.h5", "anchors") as file:
        return {name: file[name] for name in file.names()} | file.attrs


def clusters(answer: dict[str, Any]) -> set[frozenset[str]]:
    return {frozenset(cluster["members"]) for cluster in answer["clusters"]}


def test_the_answer(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    answer = dedup(write_words(WORDS), heard, 0.6)
    json.dumps(answer)
    assert list(answer) == ["phrases", "anchors", "threshold", "clusters", "vetoed"]
    assert (answer["phrases"], answer["anchors"], answer["threshold"]) == (6, 5, 0.6)
    assert [cluster["anchor"] for cluster in answer["clusters"]] == [
        *(DOWN["phrase"], UP["phrase"], "rest", LEFT["phrase"], RIGHT["phrase"])
    ], "in the order of the texts; of two equal ones the phrase that more labels use is kept"
    assert clusters(answer) >= {frozenset({"rest", "rest still"}), frozenset({UP["phrase"]})}
    assert answer["vetoed"] == [
        {
            "a": DOWN["phrase"],
            "b": UP["phrase"],
            "cosine": pytest.approx(0.78, abs=0.01),
            "reason": "opposite",
        },
        {
            "a": LEFT["phrase"],
            "b": RIGHT["phrase"],
            "cosine": pytest.approx(0.71, abs=0.01),
            "reason": "facet",
        },
    ]


def test_every_use_is_kept_as_its_label_wrote_it(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, walking={"keyword": "walk", "cyclic": True})
    dedup(settings, heard, 0.6)
    made = read(settings)
    assert made["labels"] == [
        {"label": "waving", "keyword": None, "sentence": None, "cyclic": None},
        {"label": "walking", "keyword": "walk", "sentence": None, "cyclic": True},
        {"label": "standing", "keyword": None, "sentence": None, "cyclic": None},
    ]
    assert made["use/label"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    uses = [SubAction.model_validate_json(use) for use in made["use/subaction"]]
    written = [
        SubAction.model_validate(s if isinstance(s, dict) else {"phrase": s})
        for w in WORDS.values()
        for s in w
    ]
    assert uses == written
    anchors = [made["anchor/phrase"][i] for i in made["use/anchor"]]
    assert anchors == [
        *(UP["phrase"], DOWN["phrase"], "rest"),
        *(LEFT["phrase"], RIGHT["phrase"], UP["phrase"]),
        *("rest", "rest"),
    ]
    assert [made["anchor/phrase"][i] for i in made["phrase/anchor"]] == [
        *(DOWN["phrase"], UP["phrase"], "rest", "rest", LEFT["phrase"], RIGHT["phrase"])
    ]


def test_anchors_are_contrast_vectors(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    dedup(settings, heard)
    made = read(settings)
    anchors = dict(zip(made["anchor/phrase"], made["anchor/vector"], strict=True))
    (up, down, drop, rest), _ = bag_of_words.encode([UP["phrase"], DOWN["phrase"], "drop it", "rest"])
    np.testing.assert_allclose(anchors["rest"], rest, atol=1e-6)  # no opposite: as it was
    np.testing.assert_allclose(anchors[DOWN["phrase"]], contrast(down[None], up[None])[0], atol=1e-6)
    both = (down + drop) / 2  # the opposites of two uses
    np.testing.assert_allclose(anchors[UP["phrase"]], contrast(up[None], both[None])[0], atol=1e-6)
    assert made["contrast"] == 1 and made["encoder"] == "bag of words"


def test_the_curve(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    answer = dedup(settings, heard, 0.6)
    made = read(settings)
    curve = dict(zip(made["curve/threshold"].tolist(), made["curve/count"].tolist(), strict=True))
    assert min(curve) == 0.5 and max(curve) == 1 and len(curve) == 51
    assert curve[0.6] == answer["anchors"] and curve[1.0] == answer["phrases"]
    assert dedup(settings, heard, 0.3)["threshold"] == 0.3, "below the curve is allowed"


@pytest.mark.parametrize("turn", [1, 2])
def test_the_order_of_labels_and_phrases_does_not_matter(
    turn: int, write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    first = dedup(write_words(WORDS), heard, 0.6)
    labels = list(WORDS.items())
    turned = {label: subactions[::-1] for label, subactions in labels[turn:] + labels[:turn]}
    assert dedup(write_words(turned), heard, 0.6) == first


def test_facets_of_all_uses_count(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {
        "a": [{"phrase": "turn that body around", "side": "none"}, {"phrase": "turn your body around"}],
        "b": [{"phrase": "turn that body around", "direction": "turn left"}],
        "c": [{"phrase": "turn your body around", "direction": "turn right"}],
    }
    answer = dedup(write_words(words), heard, 0.6)
    assert [pair["reason"] for pair in answer["vetoed"]] == ["facet"]
    del words["c"]
    assert dedup(write_words(words), heard, 0.6)["anchors"] == 1


def test_a_side_in_the_words_counts_before_what_is_said_of_it(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    words = {"a": ["swing that left leg"], "b": [{"phrase": "swing that right leg", "side": "left"}]}
    (pair,) = dedup(write_words(words), heard, 0.6)["vetoed"]
    assert pair["reason"] == "facet"


def test_an_opposite_that_is_another_labels_phrase(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words: dict[str, list] = {
        "a": [{"phrase": "open that big door", "opposite": "Open  that small DOOR"}],
        "b": ["open that small door"],
    }
    (pair,) = dedup(write_words(words), heard, 0.6)["vetoed"]
    assert pair["reason"] == "opposite"
    words["a"] = ["open that big door"]
    assert dedup(write_words(words), heard, 0.6)["vetoed"] == [], "without an opposite nothing is vetoed"


def test_a_phrase_that_is_its_own_opposite(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {"a": [{"phrase": "rest still", "opposite": " REST still"}, "rest"]}
    answer = dedup(write_words(words), heard, 0.6)
    assert answer["anchors"] == 1
    assert any("is the phrase itself" in warning for warning in heard.warned)


def test_for_people(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = settings_at(write_words(WORDS | {"long": ["x" * 10_000]}), 0.6)
    run(Embed(settings, heard))
    stage = Dedup(settings, heard)
    first, merged, apart, *pairs = stage.lines(run(stage))
    assert first.startswith("7 phrases → 6 anchors at threshold 0.6; verified")
    assert merged.strip() == "rest ← rest still"
    assert apart.startswith("2 near pairs were kept apart: 1 by facet, 1 by opposite")
    assert pairs[0].strip() == f"{DOWN['phrase']} | {UP['phrase']} (0.78, opposite)"
    assert max(map(len, (first, merged, apart, *pairs))) < 160


def test_one_phrase(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    answer = dedup(write_words({"a": ["🙂"]}), heard)
    assert answer["clusters"] == [{"anchor": "🙂", "members": ["🙂"]}] and answer["vetoed"] == []


def test_stale_and_missing_inputs(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    with pytest.raises(ArtifactError, match=r"texts\.h5 is missing: run `vqtext embed`"):
        run(Dedup(settings, heard))
    dedup(settings, heard)
    write_words(WORDS | {"more": ["jump"]})
    with pytest.raises(StaleError, match=r"subactions\.json changed since\): run `vqtext embed`"):
        run(Dedup(settings, heard))


def test_a_threshold_that_no_setting_allows(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    run(Embed(settings, heard))
    for threshold in (0.0, 1.5):
        with pytest.raises(UsageError, match="above 0 and at most 1"):
            run(Dedup(settings_at(settings, threshold), heard))
        assert not (settings.cache / "anchors.h5").exists()


def test_a_zero_vector_in_texts(write_words: Any, heard: Any, bag_of_words: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        embed, "encode", lambda encoder, texts: (np.zeros((len(texts), 8)), [np.ones((1, 8))] * len(texts))
    )
    settings = write_words({"a": ["step"]})
    run(Embed(settings, heard))
    with pytest.raises(WordsError, match=r"no direction for the phrase 'step'"):
        run(Dedup(settings, heard))


def test_real_words(write_words: Any, heard: Any, minilm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "choose", lambda *_: (minilm, ""))
    words = {
        "walking": [
            {"phrase": "lift the left leg", "opposite": "lower the left leg"},
            {"phrase": "lower the left leg", "opposite": "lift the left leg"},
            {"phrase": "lift the right leg", "opposite": "lower the right leg"},
        ],
        "stairs": [{"phrase": "raise the left leg", "opposite": "put the left leg down", "side": "left"}],
    }
    answer = dedup(write_words(words), heard, 0.85)
    assert clusters(answer) == {
        frozenset({"lift the left leg", "raise the left leg"}),
        frozenset({"lower the left leg"}),
        frozenset({"lift the right leg"}),
    }
    assert {pair["reason"] for pair in answer["vetoed"]} == {"opposite", "facet"}
