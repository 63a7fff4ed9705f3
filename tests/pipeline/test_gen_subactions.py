"""gen-subactions: words for every label of the data, and nothing a person wrote is ever lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqtext.cache import hdf5
from vqtext.errors import VQTextError, WordsError
from vqtext.pipeline import gen_subactions as module
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import StaleError, run
from vqtext.prompts.subactions import read_subactions
from vqtext.settings.schema import Settings

Make = Callable[..., dict[str, Any]]


def write_windows(
    cache: Path,
    labels: list[str],
    dataset: str = "basic_motions",
    locations: tuple[str, ...] = ("wrist",),
    hands: tuple[str | None, ...] = (),
) -> None:
    channels = [
        {"name": f"{place} {axis}", "location": place, "modality": "acc", "axis": axis, "unit": "m/s2"}
        for place in locations
        for axis in "xyz"
    ]
    attrs = {
        "dataset": dataset,
        "rate_hz": 10.0,
        "labels": labels,
        "channels": channels,
        "subjects": [{"id": str(i), "hand": hand} for i, hand in enumerate(hands)],
    }
    cache.mkdir(exist_ok=True)
    hdf5.write(cache / "windows.h5", "windows", {"label": np.zeros(1, np.int32)}, attrs, "recipe")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache=tmp_path / "cache")


@pytest.fixture
def make(settings: Settings, heard: Any) -> Make:
    """Run the stage, each time as a new process would."""

    def _make(force: bool = False) -> dict[str, Any]:
        return run(GenSubactions(settings, heard), force=force)

    return _make


@pytest.fixture
def path(settings: Settings) -> Path:
    return settings.cache / "subactions.json"


def edit(path: Path, label: str, phrase: str) -> None:
    """What a person does in an editor: another first phrase, other indentation."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    next(entry for entry in raw["labels"] if entry["label"] == label)["subactions"][0]["phrase"] = phrase
    path.write_text(json.dumps(raw, indent=4), encoding="utf-8")


def first_phrases(path: Path) -> dict[str, str]:
    return {label.label: label.subactions[0].phrase for label in read_subactions(path).labels}


def by_hand(*labels: str) -> str:
    return json.dumps({"labels": [{"label": x, "subactions": [{"phrase": "mine"}]} for x in labels]})


def test_words_of_every_label_in_the_data_s_order(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["running", "standing"])
    summary = make()
    assert summary == {
        "labels": {"running": 10, "standing": 10},
        "provider": "builtin",
        "kept": [],
        "path": str(path),
    }
    assert [label.label for label in read_subactions(path).labels] == ["running", "standing"]
    assert list(json.loads(path.read_text(encoding="utf-8")))[:4] == [
        "schema",
        "language",
        "provider",
        "model",
    ]


def test_a_second_run_changes_nothing(settings: Settings, make: Make, path: Path, heard: Any) -> None:
    write_windows(settings.cache, ["running", "standing"])
    summary = make()
    before = path.read_bytes()
    assert make() == summary and path.read_bytes() == before
    assert any("up to date" in text for text in heard.said)
    assert make(force=True) == summary and path.read_bytes() == before


def test_no_windows_prepares_the_default_data(
    settings: Settings, make: Make, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(self: Prepare, target: Path) -> None:
        write_windows(target.parent, ["walking"])
        (target.parent / "windows.h5").rename(target)

    monkeypatch.setattr(Prepare, "make", prepare)
    monkeypatch.setattr(Prepare, "summary", lambda self: {})
    assert make()["labels"] == {"walking": 10}


def test_an_edited_label_survives_and_the_others_are_renewed(
    settings: Settings, make: Make, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_windows(settings.cache, ["walking", "standing"])
    make()
    edit(path, "walking", "arm swings my way")
    assert make()["kept"] == ["walking"], "an edit alone leaves the file current"
    monkeypatch.setattr("vqtext.pipeline.authors.builtin.lexicon_digest", lambda: "another lexicon")
    write_windows(settings.cache, ["standing", "walking", "running"])
    assert make()["kept"] == ["walking"]
    assert first_phrases(path)["walking"] == "arm swings my way"
    assert list(first_phrases(path)) == ["standing", "walking", "running"]


def test_indentation_is_no_edit(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking"])
    make()
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    assert make()["kept"] == []


def test_force_overwrites_edits(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking", "jumping over a fence"])
    path.write_text(by_hand("walking", "jumping over a fence"), encoding="utf-8")
    summary = make(force=True)
    assert first_phrases(path) == {"walking": "arm swings forward", "jumping over a fence": "mine"}
    assert summary["kept"] == ["jumping over a fence"], "there is nothing to overwrite it with"


def test_labels_that_left_the_data_stay_only_if_edited(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking", "standing", "running"])
    make()
    edit(path, "standing", "hand stays put")
    write_windows(settings.cache, ["walking"])
    make()
    assert list(first_phrases(path)) == ["walking", "standing"]


def test_unknown_labels_are_an_error_with_two_ways_out(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking", "moon\nwalk", "<script>", "스쿼트"])
    with pytest.raises(WordsError) as caught:
        make()
    message = str(caught.value)
    assert "'moon\\nwalk', '<script>', '스쿼트'" in message and "\n" not in message
    assert "--provider openai" in message and str(path) in message
    assert not path.exists()


def test_a_hand_written_file_is_enough(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking", "moon\nwalk"])
    path.write_text(by_hand("moon\nwalk"), encoding="utf-8")
    summary = make()
    assert summary["labels"] == {"walking": 10, "moon\nwalk": 1} and summary["kept"] == ["moon\nwalk"]
    assert make() == summary


def test_a_file_all_by_hand_is_left_as_it_is(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking"])
    path.write_text(by_hand("walking", "more"), encoding="utf-8")
    before = path.read_bytes()
    assert make()["kept"] == ["walking", "more"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["{", '{"labels": [{"label": "walking", "subactions": [{}]}]}', "[]"])
def test_a_broken_file_is_told_and_not_touched(settings: Settings, make: Make, path: Path, text: str) -> None:
    write_windows(settings.cache, ["walking"])
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WordsError, match=r"subactions\.json"):
        make()
    assert path.read_text(encoding="utf-8") == text
    assert make(force=True)["labels"] == {"walking": 10}


def test_words_that_suit_the_sensors_are_preferred(settings: Settings, make: Make, path: Path) -> None:
    """A data set of nobody's: the same label comes in the words that its sensors can show."""
    for locations in (("wrist",), ("left ankle", "right ankle", "chest")):
        write_windows(settings.cache, ["walking"], dataset="mine", locations=locations)
        make(force=True)
        data = GenSubactions(settings, None)._data()  # type: ignore[arg-type]
        chosen = data.sensed_share(read_subactions(path).labels[0])
        assert chosen > 0.5


def test_another_data_set_makes_generated_words_stale(settings: Settings, make: Make, heard: Any) -> None:
    write_windows(settings.cache, ["walking"])
    make()
    stage = GenSubactions(settings, heard)
    content = stage.check().content
    write_windows(settings.cache, ["walking"], dataset="dsads", locations=("chest",))
    with pytest.raises(StaleError, match="gen-subactions"):
        stage.check()
    assert not stage.is_current()
    write_windows(settings.cache, ["walking", "running"])
    with pytest.raises(StaleError, match="'running'"):
        stage.check()
    write_windows(settings.cache, ["walking"])
    assert stage.check().content == content
    (settings.cache / "windows.h5").unlink()
    assert stage.check().content == content, "words alone are enough for embed"


def test_an_edit_changes_the_content(settings: Settings, make: Make, path: Path, heard: Any) -> None:
    write_windows(settings.cache, ["walking"])
    make()
    before = GenSubactions(settings, heard).check().content
    edit(path, "walking", "arm swings my way")
    assert GenSubactions(settings, heard).check().content != before


@pytest.mark.parametrize("crash", ["before the ledger", "after the ledger"])
def test_a_crash_never_mistakes_generated_for_edited(
    settings: Settings, make: Make, path: Path, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    write_windows(settings.cache, ["walking", "standing"])
    make()
    edit(path, "standing", "hand stays put")
    write_windows(settings.cache, ["walking", "standing"], dataset="dsads", locations=("left ankle",))
    with monkeypatch.context() as patch:
        if crash == "before the ledger":
            patch.setattr(module.Ledger, "write", _killed)
        else:
            whole = GenSubactions.make

            def torn(self: GenSubactions, target: Path) -> None:
                whole(self, target)
                raise KeyboardInterrupt

            patch.setattr(GenSubactions, "make", torn)
        with pytest.raises(KeyboardInterrupt):
            make()
    assert first_phrases(path) == {"walking": "arm swings forward", "standing": "hand stays put"}
    assert make()["kept"] == ["standing"]
    assert first_phrases(path)["walking"] != "arm swings forward"


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_broken_ledger_loses_no_words(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking"])
    make()
    for text in ("{", "[]", '{"made": 3, "now": {}, "before": {}}', "null"):
        path.with_name(".subactions.generated.json").write_text(text, encoding="utf-8")
        assert make()["kept"] == ["walking"]


def test_another_language_needs_words_by_hand(settings: Settings, heard: Any, path: Path) -> None:
    korean = settings.model_copy(update={"words": settings.words.model_copy(update={"language": "ko"})})
    write_windows(settings.cache, ["walking"])
    with pytest.raises(WordsError):
        run(GenSubactions(korean, heard))
    path.write_text(by_hand("walking"), encoding="utf-8")
    assert run(GenSubactions(korean, heard))["kept"] == ["walking"]


def test_what_is_told_to_people(settings: Settings, make: Make, path: Path, heard: Any) -> None:
    write_windows(settings.cache, ["walking", "standing"])
    make()
    edit(path, "walking", "arm swings my way")
    stage = GenSubactions(settings, heard)
    assert stage.lines(stage.summary()) == [
        f"2 labels, 20 sub-actions: {path}",
        "kept as written by hand: 'walking'",
    ]


def test_a_folder_that_cannot_be_written(settings: Settings, make: Make, path: Path) -> None:
    write_windows(settings.cache, ["walking"])
    (settings.cache / ".subactions.generated.json").mkdir()  # stands in the way of the ledger
    with pytest.raises(VQTextError):
        make()
    assert not path.exists() and not list(settings.cache.glob("*.tmp-*"))
