"""From what the sensors did in a segment to the anchor that is named there: a user would lose grounding by
text, or have a test window's words in a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_embed import MORE, WORDS, put_windows

from vqtext.cache import hdf5
from vqtext.cache.hdf5 import open_artifact
from vqtext.data.splits.splits import Split
from vqtext.errors import ArtifactError
from vqtext.model.grounding.base import make
from vqtext.model.training.training_data import TrainingData
from vqtext.pipeline.artifacts import read_windows, write_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.descriptions.segment_texts import SegmentTexts
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.evaluation.controls import shuffled_guidance
from vqtext.pipeline.stage import StaleError, run
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.assemble import training_data
from vqtext.schema import LabelWords, SubAction, Subject
from vqtext.settings.schema import ModelSettings, Settings

SMALL = ModelSettings(dim=16, dim_code=4, codes=8, patches=10, tokens=5, layers=1, heads=2)
SPLIT = Split(np.array([5, 0, 3, 1]), np.array([2]), np.array([4]), "own")
PERSON = " The person: 27 years old, 182 cm tall, 83 kg, male, right-handed."


@pytest.fixture
def settings(write_words: Callable[..., Settings], heard: Any, bag_of_words: Any) -> Settings:
    """Two labels, six windows of two subjects, described and not yet embedded; grounded by order and text."""
    made = write_words(WORDS, **MORE)
    put_windows(made.cache, ["standing", "walking"])
    run(Describe(made, heard))
    train = made.train.model_copy(
        update={"grounding": "order+text", "epochs": 1, "steps": 1, "validation": 0.4}
    )
    return made.model_copy(update={"model": SMALL, "train": train})


def say(cache: Path, told: dict[tuple[int, int], str]) -> None:
    """Say something else of some segments, as a model might; −1 where the text is empty."""
    path = cache / "descriptions.h5"
    with open_artifact(path, "descriptions") as file:
        arrays = {name: file[name] for name in file.names()}
        attrs, made = file.attrs, file.provenance
    text = dict.fromkeys([*arrays["segment/text"], *told.values()])
    arrays["segment/text"] = [*text]
    for (window, segment), said in told.items():
        arrays["segment/index"][window, segment] = [*text].index(said) if said else -1
    hdf5.write(path, "descriptions", arrays, attrs, "")
    assert made is not None
    hdf5.stamp(path, made)


def gathered(settings: Settings, heard: Any) -> TrainingData:
    for stage in (Embed, Dedup):
        run(stage(settings, heard))
    return training_data(read_windows(settings.cache / "windows.h5"), SPLIT, settings)[1]


def test_each_segment_is_told_with_its_label_and_its_subject(settings: Settings, heard: Any) -> None:
    run(Embed(settings, heard))
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        sentence, index = file["segment/text"], file["segment/index"]
    with open_artifact(settings.cache / "texts.h5", "texts") as file:
        text, place, vector = file["segment/text"], file["segment_text"], file["segment/vector"]
        assert not [name for name in file.names() if name.startswith("segment/token")]
    assert place.shape == (6, 5) and len(set(text)) == len(text) == len(vector) == place.max() + 1
    for window in range(6):
        begin, end = (("stand: ", ""), ("walk: ", PERSON))[window % 2]
        assert [text[i] for i in place[window]] == [begin + sentence[i] + end for i in index[window]]
    assert np.linalg.norm(vector, axis=1) == pytest.approx(1)


def test_texts_that_are_alike_are_one() -> None:
    index = np.array([[1, 0], [-1, 1], [1, 1]])
    words = [LabelWords(label=name, subactions=[SubAction(phrase="go")]) for name in ("a", "b")]
    words[0].sentence = "one goes"
    made = SegmentTexts(index, np.array([0, 1, 0]), np.array([0, 1, -1]), words, [Subject("1"), Subject("2")])
    text = [*made.of(iter(["It rests.", "It moves."]))]
    assert len(made) == len(text) and sorted(text) == [
        "It moves.",
        "one goes: It moves.",
        "one goes: It rests.",
    ]
    told = [[text[i] if i >= 0 else None for i in row] for row in made.place]
    assert told == [
        ["one goes: It moves.", "one goes: It rests."],
        [None, "It moves."],
        ["one goes: It moves."] * 2,
    ]


def test_similarity_is_between_anchors_and_what_was_said(settings: Settings, heard: Any) -> None:
    """Saying of a segment what an anchor says makes that anchor the nearest there, and nowhere else."""
    before = gathered(settings, heard)
    near = before.evidence.similarity
    assert near is not None and near.shape == (5, 5, len(before.anchors)) and near.dtype == torch.float32
    with open_artifact(settings.cache / "texts.h5", "texts") as file:
        vector = file.rows("segment/vector", file.rows("segment_text", [5])[0])
    torch.testing.assert_close(near[0], torch.from_numpy(vector) @ before.anchors.T)
    up, down = (before.vocabulary.anchors.index(phrase) for phrase in ("leg up", "leg down"))
    say(settings.cache, {(5, 1): "up " * 9, (5, 3): "down " * 9, (3, 0): ""})
    after = gathered(settings, heard).evidence.similarity
    assert after is not None
    assert after[0, 1].argmax() == up and after[0, 3].argmax() == down
    assert after[2, 0].isnan().all() and after[2, 1:].isfinite().all()
    same = torch.ones(5, 5, dtype=torch.bool)
    same[0, [1, 3]] = same[2, 0] = False
    torch.testing.assert_close(after[same], near[same])


def test_no_word_of_a_test_window_is_read(settings: Settings, heard: Any) -> None:
    before = gathered(settings, heard).evidence.similarity
    say(settings.cache, {(4, segment): "leg up leg up" for segment in range(5)})
    after = gathered(settings, heard).evidence.similarity
    assert before is not None and after is not None
    torch.testing.assert_close(before, after)


def test_what_is_said_decides_the_names(settings: Settings, heard: Any) -> None:
    """Sensors tell that something changes with every segment, and what was said tells which is which."""
    names = []
    for turned in (0, 1):
        walking = [(window, segment) for window in (1, 3, 5) for segment in range(5)]
        say(settings.cache, {(w, s): ("down " if (s + turned) % 2 else "up ") * 9 for w, s in walking})
        data = gathered(settings, heard)
        up = data.vocabulary.anchors.index("leg up")
        windows, count, _ = data.evidence.features.shape
        odd = torch.arange(count) * 5 // count % 2
        felt = odd.float().expand(windows, count)[..., None]
        evidence = replace(data.evidence, features=felt, motion=felt)
        grounding = make("label+text", data.grammar, evidence)
        everything = torch.full((1, count, len(data.anchors)), 1 / len(data.anchors))
        names.append(grounding.targets(torch.tensor([0]), torch.tensor([1]), everything)[0, :, up].float())
    gain = names[0] - names[1]
    assert gain[odd == 0].mean() > 0.3 and gain[odd == 1].mean() < -0.3


def test_shuffled_guidance_shuffles_what_was_said_of_segments(settings: Settings, heard: Any) -> None:
    data = gathered(settings, heard)
    near = shuffled_guidance(data, np.random.default_rng(0)).evidence.similarity
    assert near is not None and data.evidence.similarity is not None
    assert not torch.equal(near, data.evidence.similarity)
    assert {*map(str, near)} == {*map(str, data.evidence.similarity)}


@pytest.mark.parametrize(("grounding", "guidance"), [("order+text", "label"), ("order", "both")])
def test_a_training_that_reads_descriptions_from_the_words_on(
    grounding: str, guidance: str, settings: Settings, heard: Any
) -> None:
    """Nobody but those who read them has them made: a user of the other ways would find nothing to read."""
    (settings.cache / "descriptions.h5").unlink()
    settings.train.grounding, settings.guidance.source = grounding, guidance
    windows = read_windows(settings.cache / "windows.h5").take(slice(None))
    windows.split[:], windows.subject[:] = [0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 0, 1]
    write_windows(settings.cache / "windows.h5", windows, "")
    for stage in (Embed, Dedup):
        run(stage(settings, heard))
    answer = run(Train(settings, heard))
    assert np.isfinite(next(iter(answer["validation"].values()))["nll"])


def test_without_descriptions_the_commands_are_named(settings: Settings, heard: Any) -> None:
    (settings.cache / "descriptions.h5").unlink()
    settings.train.grounding = "order"
    gathered(settings, heard)
    settings.train.grounding = "order+text"
    with pytest.raises(ArtifactError, match=r"descriptions\.h5.*vqtext describe"):
        run(Train(settings, heard))
    with pytest.raises(ArtifactError, match=r"vqtext describe.*vqtext embed"):
        training_data(read_windows(settings.cache / "windows.h5"), SPLIT, settings)


def test_texts_of_an_older_version_are_made_again(
    settings: Settings, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Embed, "version", Embed.version - 1)
    run(Embed(settings, heard))
    monkeypatch.undo()
    with pytest.raises(StaleError, match="vqtext embed"):
        Embed(settings, heard).check()


def test_windows_without_a_sample_have_no_texts(settings: Settings, heard: Any) -> None:
    say(settings.cache, {(window, segment): "" for window in range(6) for segment in range(5)})
    near = gathered(settings, heard).evidence.similarity
    assert near is not None and near.isnan().all()
