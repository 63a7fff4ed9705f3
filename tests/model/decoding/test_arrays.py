"""A user would lose: an answer from signals as people hold them, or be told in one line why there is none."""

from decimal import Decimal

import numpy as np
import pytest
import torch
from toy import CHANNELS, OF_STATE, STEPS, config, data, vocabulary, windows

from vqtext.errors import DataError, ShapeError, VQTextError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText
from vqtext.model.network.network import Network

pandas = pytest.importorskip("pandas")

X = windows(3)[0]
LOUD = X[0, 0] > 2


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = Network(config(), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    made = VQText(network, Decoder(config(), vocabulary()))
    made.decoder.learn(None, torch.from_numpy(made.tokenize(data().signal).names), data().label)
    return made


def frame(window=X[0]):
    return pandas.DataFrame(window.T, columns=[channel.name for channel in CHANNELS])


def with_gaps():
    lost = X.copy()
    lost[0, 0, LOUD] = np.nan
    return lost


def test_classes_are_told_by_name_and_are_those_of_the_reasons(model):
    assert list(model.classes) == ["shaking", "whirling"]
    predicted = model.predict(X)
    assert isinstance(predicted, np.ndarray) and predicted.shape == (3,)
    assert predicted.tolist() == [reason.label for reason in model.explain(X)]
    assert model.predict_proba(X).shape == (3, 2)
    assert predicted.tolist() == model.classes[model.predict_proba(X).argmax(1)].tolist()


@pytest.mark.parametrize(
    "held",
    [
        lambda: list(X),
        lambda: X.tolist(),
        lambda: X.astype(object),
        lambda: X.astype(">f8"),
        lambda: torch.tensor(X, requires_grad=True),
        lambda: torch.tensor(X).to_sparse(),
        lambda: [frame(x) for x in X],
        lambda: {name: frame(x) for name, x in zip("abc", X, strict=True)},
        lambda: [frame(x)[["acc_y", "acc_x"]] for x in X],
        lambda: [frame(x).map(lambda value: Decimal(float(value))) for x in X],
    ],
)
def test_the_same_numbers_give_the_same_answer_whatever_holds_them(model, held):
    assert np.allclose(model.predict_proba(held()), model.predict_proba(X), atol=1e-5)
    assert np.array_equal(model.tokenize(held()).code, model.tokenize(X).code)
    assert np.allclose(model.stitch(held()), model.stitch(X), atol=1e-4)


@pytest.mark.parametrize(
    "held",
    [
        lambda: np.ma.masked_array(X, mask=np.isnan(with_gaps())),
        lambda: [np.ma.masked_invalid(x) for x in with_gaps()],
        lambda: np.ma.masked_array(
            np.where(np.isnan(with_gaps()), "NA", X.astype(object)), np.isnan(with_gaps())
        ),
        lambda: [[[None if v != v else v for v in row] for row in x] for x in with_gaps().tolist()],
        lambda: [frame(x).astype("Float64").mask(frame(x).isna()) for x in with_gaps()],
        lambda: [frame(x).astype(object).mask(frame(x).isna(), pandas.NA) for x in with_gaps()],
    ],
)
def test_what_was_masked_was_not_measured(model, held):
    """The value beneath a mask, as the 9999 of a logger, would be taken for a movement."""
    posterior, expected = model.predict_proba(held()), model.predict_proba(with_gaps())
    assert np.allclose(posterior, expected, atol=1e-5) and not np.allclose(posterior, model.predict_proba(X))


def test_masked_whole_numbers_have_no_nan_and_are_missing_all_the_same(model):
    counts = np.ma.masked_array((100 * X).astype(np.int16), mask=np.isnan(with_gaps()))
    assert np.allclose(model.predict_proba(counts), model.predict_proba(counts.astype(float).filled(np.nan)))


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (lambda: frame().assign(label="a"), ShapeError, "'label'"),
        (lambda: frame()[["acc_x"]], ShapeError, "'acc_y'.*'acc_x'"),
        (lambda: frame()[["acc_x", "acc_y", "acc_y"]], ShapeError, "two columns 'acc_y'"),
        (lambda: frame().rename(columns=str.upper), ShapeError, "'acc_x'.*'ACC_X'"),
        (lambda: frame().assign(acc_x="1,5"), DataError, "'acc_x'.*'1,5'"),
        (lambda: frame().assign(acc_x=pandas.Timestamp(0)), DataError, "column 'acc_x'.*dates"),
        (lambda: [frame(), frame()[:9]], ShapeError, r"signals\[1\] has shape \(2, 9\), signals\[0\]"),
        (lambda: {"a": frame(), "b": 3}, ShapeError, r"signals\['b'\] is a single value"),
        (lambda: [[1.0, 2.0], [1.0]], ShapeError, r"signals\[1\] has shape \(1,\)"),
        (lambda: [], ShapeError, "hold nothing"),
        (lambda: {}, ShapeError, "hold nothing"),
        (lambda: X[:, :, :0], ShapeError, "no sample"),
        (lambda: X.swapaxes(1, 2), ShapeError, "80 channels.*swap"),
        (lambda: X[0].T, ShapeError, "80 channels.*swap"),
        (lambda: X[None], ShapeError, "4-dimensional"),
        (lambda: frame()["acc_x"], ShapeError, "1-dimensional"),
        (lambda: X.astype(complex), DataError, "complex numbers"),
        (lambda: torch.tensor(X).to(torch.complex64), DataError, "complex numbers"),
        (lambda: torch.empty(X.shape, device="meta"), DataError, "dense"),
        (lambda: X.astype(str), DataError, "hold text"),
        (lambda: X.astype("datetime64[s]"), DataError, "hold dates"),
        (lambda: [[["1.0"] * STEPS] * 2], DataError, "hold text"),
        (lambda: "signals.csv", ShapeError, "a str"),
        (lambda: None, ShapeError, "signals are a NoneType"),
        (lambda: (x for x in X), ShapeError, "signals are a generator"),
        (lambda: _Other(X), ShapeError, r"test_arrays\._Other: call its to_pandas\(\)"),
        (lambda: _Quantity(X), DataError, r"carry a unit \(g\): convert them"),
    ],
)
def test_what_holds_no_signals_is_one_line(model, given, error, says):
    for method in (model.explain, model.predict, model.predict_proba, model.tokenize, model.stitch):
        with pytest.raises(error, match=says) as raised:
            method(given())
        assert "\n" not in str(raised.value)


class _Other:
    """A table of another library: it has a shape and columns, and rows are taken in another way."""

    def __init__(self, values):
        self.shape, self.columns, self.dtype = values.shape, ["a"], values.dtype

    def to_pandas(self): ...


class _Quantity:
    unit = "g"

    def __init__(self, values):
        self.shape, self.dtype = values.shape, values.dtype


def test_rows_of_another_rate_are_not_taken_for_the_models_own(model):
    """Half a window would be read as a whole one, at half its speed."""
    dates = pandas.date_range("2023-10-23", periods=STEPS, freq="50ms")
    right, wrong = frame().set_index(dates), frame().set_index(dates[0] + (dates - dates[0]) / 2)
    assert model.predict(right) == model.predict(frame())
    for held in (wrong, wrong.tz_localize("Europe/Berlin"), [right, wrong], {"a": wrong}):
        with pytest.raises(ShapeError, match=r"0\.025 s.* 20 Hz"):
            model.explain(held)
    with pytest.raises(ShapeError, match="explain_recording"):
        list(model.explain_stream(wrong))


def test_windows_are_chosen_by_number_or_by_mask(model):
    every = model.predict_proba(X)
    assert np.allclose(model.predict_proba(X, [2, 0]), every[[2, 0]], atol=1e-6)
    assert np.allclose(model.predict_proba(X, np.array([True, False, True])), every[[0, 2]], atol=1e-6)
    for wrong, says in (([3], "window 3, there are 3"), ([0.5], "numbers of windows"), ([], "no window")):
        with pytest.raises(ShapeError, match=says):
            model.explain(X, wrong)


@pytest.mark.parametrize(
    "held",
    [
        lambda x: frame(x)[["acc_y", "acc_x"]],
        lambda x: x.tolist(),
        torch.tensor,
        lambda x: [frame(x[:, :50]), frame(x[:, 50:])],
        lambda x: (part.tolist() for part in np.split(x, 3, axis=1)),
        np.ma.masked_invalid,
    ],
)
def test_a_long_recording_may_be_held_in_the_same_ways(model, held):
    recording = np.concatenate(list(X), 1)
    recording[0, 100:105] = np.nan
    assert list(model.explain_stream(held(recording))) == list(model.explain_stream(recording))


@pytest.mark.parametrize("given", ["a.csv", {"a": X[0]}, None, [["a", "b"], ["c", "d"]]])
def test_what_is_no_recording_is_one_line(model, given):
    with pytest.raises(VQTextError):
        list(model.explain_stream(given))


def test_frames_are_arranged_by_the_names_of_their_own_channels(model):
    y, x = CHANNELS[1], CHANNELS[0]
    assert np.allclose(model.arrange(frame(), [y, x]), X[0])
    assert np.isnan(model.arrange(frame()[["acc_y"]], [y])[0]).all()


def test_rows_of_a_file_are_taken_in_any_order(model, tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "signals.h5", "w") as file:
        file["signal"], file["one"] = X, X[0]
        for index in ([2, 0], [1, 1, -1]):
            assert np.allclose(
                model.predict_proba(file["signal"], index), model.predict_proba(X, index), atol=1e-6
            )
        assert np.allclose(model.predict_proba(file["one"]), model.predict_proba(X[0]), atol=1e-6)
        recording = list(model.explain_stream(file["one"]))
    assert recording == list(model.explain_stream(X[0]))
