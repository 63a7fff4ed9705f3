from __future__ import annotations

from pathlib import Path

import pytest

from vqtext.errors import ConfigError
from vqtext.settings.loading import FILE, fields, load_settings, variable_of
from vqtext.settings.presets import PRESETS
from vqtext.settings.schema import ModelSettings, Settings, TrainSettings

SECRET = "sk-123456"


@pytest.fixture
def load(tmp_path):
    """Load settings out of a TOML text, options by name, and variables."""

    def load(toml="", options=None, **variables):
        (tmp_path / FILE).write_text(toml, encoding="utf-8")
        return load_settings(options, tmp_path, variables)

    return load


def test_defaults(tmp_path):
    loaded = load_settings(folder=tmp_path, environment={})
    assert loaded.settings.dedup.threshold == 0.85 and loaded.settings.cache == Path("cache")
    assert set(loaded.origins.values()) == {"default"}
    assert loaded.values()["train.seeds"] == [0] and loaded.values().keys() == fields().keys()


def test_the_nearest_to_the_user_wins(load):
    toml = "[dedup]\nthreshold = 0.5\ncontrast = 2\n[train]\nepochs = 5"
    loaded = load(
        toml,
        {"dedup.threshold": 0.7, "dedup.contrast": None},
        VQTEXT_DEDUP__THRESHOLD="0.6",
        VQTEXT_TRAIN__EPOCHS="6",
    )
    dedup, train = loaded.settings.dedup, loaded.settings.train
    assert (dedup.threshold, dedup.contrast, train.epochs, train.batch_size) == (0.7, 2, 6, 16)
    assert {name: origin for name, origin in loaded.origins.items() if origin != "default"} == {
        "dedup.threshold": "command line",
        "dedup.contrast": "vqtext.toml",
        "train.epochs": "VQTEXT_TRAIN__EPOCHS",
    }


def test_heads_must_share_the_width(load):
    with pytest.raises(ConfigError, match=r"\b64\b.*\b3 heads"):
        load("[model]\nheads = 3")


def test_a_preset_lies_under_what_is_said(load):
    loaded = load("[model]\ncodes = 48", {"train.preset": "tiny", "train.learning_rate": 0.01})
    model, train = loaded.settings.model, loaded.settings.train
    assert (model.dim, model.codes, train.steps, train.learning_rate) == (32, 48, 150, 0.01)
    assert loaded.origins["model.dim"] == "preset tiny" and loaded.origins["model.codes"] == "vqtext.toml"
    assert loaded.origins["train.learning_rate"] == loaded.origins["train.preset"] == "command line"
    assert loaded.origins["model.heads"] == "default"
    with pytest.raises(ConfigError, match=r"command line: train\.preset: .*'tiny'"):
        load("", {"train.preset": "huge"})
    with pytest.raises(ConfigError, match="model"):  # hidden by no preset
        load("model = 3", {"train.preset": "tiny"})


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_holds(name):
    there = {"train": TrainSettings(preset=name), "model": ModelSettings(layers=3)}
    for said in (there, {"train": {"preset": name}, "model": {"layers": 3}}):
        settings = Settings(**said)
        expected = PRESETS[name].get("model", {}) | {"layers": 3}
        assert settings.model.model_dump() == ModelSettings().model_dump() | expected


def test_devices_share_a_batch_equally(load):
    with pytest.raises(ConfigError, match=r"batch_size.* 3 devices.* 18"):
        load("", {"train.devices": 3})


def test_lists_are_written_with_commas_or_as_lists(load):
    loaded = load("[train]\ntest_subjects = [7, 'x']", {"train.seeds": "0, 1,2"})
    assert loaded.settings.train.seeds == [0, 1, 2] and loaded.settings.train.test_subjects == ["7", "x"]
    assert load(VQTEXT_TRAIN__TEST_SUBJECTS="7,8").settings.train.test_subjects == ["7", "8"]


def test_phrases_hold_commas(load):
    assert load("[dedup]\nkeep = ['up, then down']").settings.dedup.keep == ["up, then down"]
    assert load("", {"dedup.keep": ["up, then down"]}).settings.dedup.keep == ["up, then down"]
    assert load(VQTEXT_DEDUP__DROP="up, then down\n\nrest\n").settings.dedup.drop == ["up, then down", "rest"]
    assert load(VQTEXT_DEDUP__MERGE='["a, b=c"]').settings.dedup.merge == ["a, b=c"]
    with pytest.raises(ConfigError, match=r"VQTEXT_DEDUP__KEEP: dedup\.keep"):
        load(VQTEXT_DEDUP__KEEP="[1, 2]")


@pytest.mark.parametrize(
    ("written", "taken"),
    [("EN", "en"), ("en-US", "en"), ("English", "en"), (" ko ", "ko"), ("pt_BR", "pt_BR")],
)
def test_english_needs_no_translation_whatever_it_is_called(load, written, taken):
    assert load("", {"words.language": written}).settings.words.language == taken


def test_other_variables_and_empty_ones_say_nothing(load):
    loaded = load(VQTEXT_DATA="/recordings", VQTEXT_CACHE="", VQTEXTILE="x", HOME="/")
    assert set(loaded.origins.values()) == {"default"}


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "[dedup]\ntreshold = 0.5",
            "vqtext.toml: there is no setting dedup.treshold: did you mean dedup.threshold",
        ),
        ("threshold = 0.5", "vqtext.toml: there is no setting threshold: did you mean dedup.threshold?"),
        ("[dedupe]\nthreshold = 0.5", "vqtext.toml: there is no setting dedupe: did you mean dedup?"),
        ("[qqq]\nzzz = 1", "vqtext.toml: there is no setting qqq: `vqtext config` lists them all"),
        ("dedup = 0.5", "vqtext.toml: dedup is a section"),
        ("[dedup.threshold]\nx = 1", "vqtext.toml: dedup.threshold: "),
        (
            "[dedup]\nthreshold = 1.5",
            "vqtext.toml: dedup.threshold: ",
        ),
        (f"[dedup]\nthreshold = '{SECRET}'", "vqtext.toml: dedup.threshold: "),
        (f"[model]\nchannels = '{SECRET}'", "model.channels: "),
        (f"[train]\nseeds = [1, '{SECRET}']", "train.seeds.1: "),
        ("[train]\nseeds = [0, -1]", "train.seeds.1: "),
        ("[train]\nfolds = 1", "train.folds: "),
        ("[train]\nseeds = []", "train.seeds: "),
        ("[data]\nrate_hz = inf", "data.rate_hz: "),
        ("[dedup\n", "vqtext.toml is not TOML: "),
        (f"key = {SECRET}\n", "vqtext.toml is not TOML: "),
    ],
)
def test_mistakes_in_the_file(load, toml, message):
    with pytest.raises(ConfigError) as error:
        load(toml)
    said = str(error.value)
    assert message in said and "\n" not in said and SECRET not in said and error.value.exit_code == 2


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (
            "VQTEXT_DEDUP__TRESHOLD",
            "there is no setting VQTEXT_DEDUP__TRESHOLD: did you mean VQTEXT_DEDUP__THRESHOLD?",
        ),
        ("VQTEXT_DEDUP_THRESHOLD", "did you mean VQTEXT_DEDUP__THRESHOLD?"),
        ("VQTEXT_DEDUP", "there is no setting VQTEXT_DEDUP: did you mean VQTEXT_DEDUP__"),
        ("VQTEXT_QQQ", "there is no setting VQTEXT_QQQ: `vqtext config` lists them all"),
        (
            "VQTEXT_DEDUP__THRESHOLD",
            "VQTEXT_DEDUP__THRESHOLD: dedup.threshold",
        ),
    ],
)
def test_mistakes_in_the_environment(load, variable, message):
    with pytest.raises(ConfigError) as error:
        load(**{variable: SECRET})
    assert message in str(error.value) and SECRET not in str(error.value)


@pytest.mark.parametrize("name", ["../other", ".hidden", "a/b", "", "a\n", "x" * 65])
def test_the_name_of_a_run_is_a_plain_one(load, name):
    with pytest.raises(ConfigError, match=r"command line: train\.run"):
        load(options={"train.run": name})


def test_a_file_that_is_no_text(tmp_path):
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(folder=tmp_path, environment={})
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()
    with pytest.raises(ConfigError):
        load_settings(folder=tmp_path, environment={})


def test_a_byte_order_mark_is_no_mistake(load):
    assert load("\ufeff[dedup]\nthreshold = 0.5").settings.dedup.threshold == 0.5


def test_every_setting_says_what_it_is():
    assert [name for name, field in fields().items() if not field.description] == []


def test_names_of_variables():
    assert (
        variable_of("dedup.threshold") == "VQTEXT_DEDUP__THRESHOLD" and variable_of("cache") == "VQTEXT_CACHE"
    )
