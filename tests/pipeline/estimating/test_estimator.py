"""A user would lose: a pipeline of scikit-learn or aeon that ends in anything but classes and reasons."""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import pickle
import random
import re
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from test_unseen import TINY, WORDS, study

import vqtext
from vqtext.errors import ConfigError, VQTextError, WordsError
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.estimating import estimator as module
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.schema import Channel
from vqtext.settings.schema import GuidanceSettings, Settings, TrainSettings

SMALL = {f"model.{name}": value for name, value in TINY.model_dump(exclude_unset=True).items()}
SMALL |= {"train.batch_size": 4, "train.accelerator": "cpu"}
CHANNELS = [
    {"columns": ["x", "y", "z"], "location": "right wrist", "modality": "gyro", "unit": "rad/s"},
]


def data(samples: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """People who wave and walk, the second class first."""
    windows = study()
    return windows.signal[:, :, :samples], np.array(["wave", "a walk"])[windows.label]


def estimator(epochs: int = 2, **given: Any) -> vqtext.VQTextClassifier:
    more = given.pop("settings", {})
    settings = {**SMALL, **more} if isinstance(more, dict) else more
    return vqtext.VQTextClassifier(epochs=epochs, settings=settings, **{"random_state": 0, **given})


@pytest.fixture(scope="module")
def fitted() -> vqtext.VQTextClassifier:
    """Without any words: no text model is loaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("vqtext.pipeline.embed.choose", None)
        return estimator(epochs=8, rate_hz=10).fit(*data())


def test_classes_probabilities_and_reasons_without_words(fitted):
    X, y = data()
    assert fitted.classes_.tolist() == ["a walk", "wave"]
    chance = fitted.predict_proba(X)
    assert chance.shape == (len(X), 2) and np.allclose(chance.sum(1), 1)
    assert (fitted.predict(X) == fitted.classes_[chance.argmax(1)]).all()
    assert fitted.score(X, y) == 1
    reasons = fitted.explain(X[:3])
    assert [reason.label for reason in reasons] == y[:3].tolist()
    assert reasons[0].steps[-1].end_s == 4.0
    assert "less likely" in str(reasons[0].why_not("a walk")) or "same steps" in str(
        reasons[0].why_not("a walk")
    )


def test_columns_are_seconds_of_steps_and_shares_of_codes(fitted):
    X, _ = data()
    X = X.copy()
    X[0, :, 20:] = np.nan
    columns, names = fitted.transform(X), fitted.get_feature_names_out()
    assert columns.shape == (len(X), len(names)) and len(set(names)) == len(names)
    steps = [name.startswith("seconds ") for name in names]
    assert sorted(names[steps]) == ["seconds a walk", "seconds unknown", "seconds wave"]
    assert np.allclose(columns[1:, steps].sum(1), 4.0)
    assert columns[0, steps].sum() == pytest.approx(2.0, abs=0.6)  # nothing is said of what was not measured
    assert np.allclose(columns[:, ~np.array(steps)].sum(1), 1)


def test_it_is_kept_and_cloned_and_leaves_the_process_alone(fitted):
    X, y = data()
    before = fitted.predict_proba(X)
    kept = io.BytesIO()
    joblib.dump(fitted, kept)
    kept.seek(0)
    for again in (pickle.loads(pickle.dumps(fitted)), joblib.load(kept)):
        assert (again.predict_proba(X) == before).all()
    new = clone(fitted)
    assert new.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        new.predict(X)
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    drawn = random.random(), np.random.random(), float(torch.rand(1))
    random.seed(7), np.random.seed(7), torch.manual_seed(7)
    deterministic = torch.are_deterministic_algorithms_enabled()
    new.fit(X, y)
    assert (random.random(), np.random.random(), float(torch.rand(1))) == drawn
    assert torch.are_deterministic_algorithms_enabled() == deterministic
    assert (new.predict_proba(X) == before).all()


def test_fits_in_threads_do_not_disturb_each_other():
    X, y = data()
    fits = [joblib.delayed(estimator(epochs=1).fit)(X, y) for _ in range(2)]
    one, other = joblib.Parallel(2, prefer="threads")(fits)
    assert (one.predict_proba(X) == other.predict_proba(X)).all()


@pytest.mark.parametrize("method", ["predict", "predict_proba", "transform", "explain"])
def test_what_was_not_fitted_says_so(method):
    with pytest.raises(NotFittedError):
        getattr(estimator(), method)(data()[0])
    with pytest.raises(NotFittedError):
        estimator().get_feature_names_out()


def test_it_is_the_model_of_the_command(tmp_path, bag_of_words, heard):
    """With the same windows, words and settings: a score of one is a score of the other."""
    windows = study()
    tested = np.arange(windows.n) % 5 == 4
    windows = replace(
        windows,
        subjects=[],
        subject=np.full(windows.n, -1, dtype=np.int32),
        recordings=[str(i) for i in range(windows.n)],
        recording=np.arange(windows.n, dtype=np.int32),
        start_s=np.zeros(windows.n),
        split=tested.astype(np.int8),
        truth=None,
    )
    labels = [{"label": x, "subactions": [{"phrase": p} for p in steps]} for x, steps in WORDS.items()]
    (tmp_path / "subactions.json").write_text(json.dumps({"labels": labels}))
    write_windows(tmp_path / "windows.h5", windows, "")
    how = TrainSettings(seeds=[3], epochs=2, batch_size=4, accelerator="cpu")
    none = GuidanceSettings(source="none")
    settings = Settings(cache=tmp_path, model=TINY, guidance=none, train=how)
    for stage in (Embed, Dedup, Train):
        run(stage(settings, heard))
    model = vqtext.load(settings.run_folder)
    mine = estimator(
        channels=CHANNELS, subactions=tmp_path / "subactions.json", rate_hz=10, random_state=3
    ).fit(windows.signal[~tested], np.array(windows.labels)[windows.label[~tested]])
    state = model.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in mine.model_.network.state_dict().items())
    assert (mine.predict(windows.signal[tested]) == model.predict(windows.signal[tested])).all()


def test_words_are_read_from_a_dict_and_sensors_by_their_channels(bag_of_words):
    X, y = data()
    steps = [{"phrase": "arm out", "signature": {"right wrist": {"motion": "strong"}}}, "arm back"]
    words = {"wave": steps, "a walk": {"subactions": ["leg up", "foot down"], "cyclic": True}, "other": ["a"]}
    channels = [{**CHANNELS[0], "unit": "deg/s"}]
    found = estimator(subactions=words, channels=channels, rate_hz=10).fit(X, y)
    assert {"arm out", "arm back"} <= {*found.model_.vocabulary.anchors}
    assert found.model_.config.channels[2] == Channel("z", "right wrist", "gyro", "z", "rad/s")
    scale = found.model_.network.normalise.std
    assert float(scale[0]) == pytest.approx(np.nanstd(X[:, 0]) * np.pi / 180, rel=0.05)
    assert (found.predict(X) == [reason.label for reason in found.explain(X)]).all()
    with pytest.raises(WordsError, match="'wave'"):
        estimator(subactions={"a walk": ["leg up"]}).fit(X, y)


def test_it_stands_in_pipelines_and_under_splitters():
    """Groups belong to the splitter."""
    X, y = data()
    scale = FunctionTransformer(lambda X: X / 2)
    people = np.repeat(np.arange(4), 6)
    chain = Pipeline([("scale", scale), ("vqtext", estimator(epochs=1))])
    scores = cross_val_score(chain, X, y, groups=people, cv=GroupKFold(2), error_score="raise")
    assert scores.shape == (2,)
    chain = Pipeline([("vqtext", estimator()), ("scale", StandardScaler()), ("last", LogisticRegression())])
    assert chain.fit(X, y).predict(X).shape == y.shape


def test_series_of_different_lengths_and_with_missing_samples():
    X, y = data()
    X = [x[:, : 30 + i % 7] for i, x in enumerate(X)]
    X[0][0, 3:9] = np.nan
    found = estimator(epochs=1).fit(X, y)
    assert found.model_.config.steps == 36
    assert found.predict([x[:, :20] for x in X]).shape == y.shape
    longer = [np.hstack([x, x]) for x in X[:2]]
    with pytest.warns(UserWarning, match=r"2 of 2 .*\b36\b"):
        told = found.predict_proba(longer)
    assert (told == found.predict_proba([x[:, :36] for x in longer])).all()
    with pytest.warns(UserWarning, match=r"24 of 24 .*\b9\b"):
        estimator(epochs=1, longest=9).fit(X, y)
    assert estimator(epochs=1, longest=50, cuts=True).fit(X, y).model_.config.steps == 50


LONG, NAN = np.zeros((2, 3, 41)), np.full((2, 3, 40), np.nan)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros((2, 4, 40)), "4 channels"),
        (np.zeros((2, 40)), "1 channels"),
        (LONG, "series 0 has 41"),
        ([np.zeros((3, 40)), np.zeros((3, 20))], "series 1 has 20"),
        (NAN, "series 0 holds nothing"),
        (np.full((2, 3, 40), np.inf), "channel 0"),
        (np.zeros((0, 3, 40)), "(0, 3, 40)"),
        ([], "X holds no series"),
        ([np.zeros((3, 40)), np.zeros((2, 40))], "series 1 has 2 channels"),
        (np.zeros((2, 3, 40, 1)), "X is 4-dimensional"),
        ([np.zeros((3, 0))], "series 0 has shape"),
        (np.full((2, 3, 40), "a"), "X hold text"),
        ([[[1.0, 2.0], [1.0]]], "X[0]"),
        (None, "X "),
        ("abc", "X "),
    ],
)
def test_series_that_do_not_fit_are_refused_in_a_line(fitted, X, message):
    for method in ("predict", "explain"):
        with warnings.catch_warnings(), pytest.raises(ValueError) as error:
            warnings.simplefilter("ignore")  # aeon's, of series that do not vary
            getattr(fitted, method)(X)
        assert isinstance(error.value, VQTextError)
        assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("y", "given", "message"),
    [
        (["a"] * 24, {}, "one class (a)"),
        (["a", "b"], {}, "X holds 24 series and y 2 classes"),
        ([*["a", "b"] * 11, "a", None], {}, "series 23"),
        ([*[0.0, 1.0] * 11, 0.0, np.nan], {}, "series 23"),
        (np.arange(24) / 7, {}, "y holds continuous values"),
        (np.zeros((24, 2)), {}, "y has shape (24, 2)"),
        (np.array(["a", 1] * 12, dtype=object), {}, "y mixes classes of several types"),
        (None, {"rate_hz": 0}, "rate_hz is 0"),
        (None, {"rate_hz": "fast"}, "rate_hz is 'fast'"),
        (None, {"longest": 2.5}, "longest is 2.5"),
        (None, {"channels": []}, "channels are a list"),
        (None, {"channels": "acc"}, "channels are a list"),
        (None, {"channels": [{"column": "x"}]}, "'channels.0.location'"),
        (None, {"channels": [{**CHANNELS[0], "unit": "kg"}]}, "unknown unit 'kg' for gyro"),
        (None, {"channels": [Channel("x", "wrist", "gyro", "x", "rad/s")]}, "channels describe 1 channels"),
        (None, {"epochs": 0}, "settings: train.epochs"),
        (None, {"preset": "huge"}, "settings: train.preset:"),
        (
            None,
            {"settings": {"train.epoch": 3}},
            "train.epoch: did you mean train.epochs",
        ),
        (None, {"settings": {"train.folds": 3}}, "settings: train.folds"),
        (None, {"settings": {"train": {"folds": 3}}}, "dict"),
        (None, {"settings": ["train.refit"]}, "dict"),
        (None, {"settings": {"guidance.source": "label"}}, "guidance.source label and train.grounding label"),
        (None, {"subactions": "no-such.json"}, "no-such.json is missing"),
        (None, {"subactions": {"wave": "arm out", "a walk": ["leg up"]}}, "label 'wave', subactions"),
        (None, {"subactions": {"wave": [object()]}}, "neither a phrase nor a dict"),
        (None, {"subactions": {"wave": []}}, "label 'wave', subactions: must not be empty"),
        (None, {"subactions": 3}, "subactions are a int"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_a_line(y, given, message):
    X, classes = data()
    with pytest.raises(VQTextError) as error:
        estimator(**given).fit(X, classes if y is None else y)
    assert message in str(error.value) and "\n" not in str(error.value)
    if y is not None:
        assert isinstance(error.value, ValueError)


def test_settings_of_the_environment_and_the_folder_are_not_read(tmp_path, monkeypatch):
    """A study's vqtext.toml would change what a notebook beside it computes."""
    monkeypatch.chdir(tmp_path)
    Path("vqtext.toml").write_text("[train]\nepochs = 0\n")
    monkeypatch.setenv("VQTEXT_TRAIN__EPOCHS", "0")
    from vqtext.pipeline.estimating.fitting import settings_of

    assert settings_of({"model.dim": 32}, {"train.epochs": None}).train.epochs is None
    with pytest.raises(ConfigError):
        settings_of({"train.epochs": 0}, {})


def test_it_is_the_same_without_aeon(monkeypatch, fitted):
    monkeypatch.setitem(sys.modules, "aeon.classification.base", None)
    spec = importlib.util.spec_from_file_location("estimator_alone", module.__file__)
    assert spec is not None and spec.loader is not None
    alone = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(alone)
    assert "aeon" not in str(alone.VQTextClassifier.__mro__)
    X, y = data()
    new = alone.VQTextClassifier(**fitted.get_params())
    with pytest.raises(NotFittedError):
        new.predict(X)
    assert (new.fit(X, y.tolist()).predict_proba(X) == fitted.predict_proba(X)).all()
    assert (new.transform([*X]) == fitted.transform(X)).all()
    assert not clone(new).is_fitted
    for wrong in (LONG, None):
        with pytest.raises(ValueError, match=r"series 0 has 41|X "):
            new.predict(wrong)


@pytest.mark.slow
def test_it_passes_the_checks_of_aeon():
    checking = pytest.importorskip("aeon.testing.estimator_checking")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = checking.check_estimator(vqtext.VQTextClassifier, raise_exceptions=False)
    assert {check: said for check, said in found.items() if said != "PASSED"} == {}
    assert len(found) > 20


def test_the_page_runs_as_it_is_written(monkeypatch, bag_of_words):
    """With a model that takes seconds."""
    pytest.importorskip("aeon")
    page = (Path(__file__).parents[3] / "docs/estimator.md").read_text(encoding="utf-8")
    quick = functools.partial(vqtext.VQTextClassifier, preset="tiny", epochs=1)
    monkeypatch.setattr(vqtext, "VQTextClassifier", quick, raising=False)
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL):
        exec(block, names)
    assert names["told"].model_.vocabulary.anchors and names["steps_then_rule"].predict(names["X"]).shape == (
        40,
    )
