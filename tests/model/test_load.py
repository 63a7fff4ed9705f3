"""A user would lose: a model that says tomorrow, in another process, what it said today."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from toy import ANCHORS, CHANNELS, OF_STATE, RATE, STEPS, config, data, vocabulary, windows

from vqtext.errors import ArtifactError, DataError, ShapeError
from vqtext.model.decoding import decoder
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.decoding.inputs import arrange, frames_seen
from vqtext.model.load import VQText, load
from vqtext.model.network.network import Network


@pytest.fixture
def folder(tmp_path):
    torch.manual_seed(0)
    network = Network(config(), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    VQText(network, Decoder(config(), vocabulary())).save(tmp_path / "seed-0")
    return tmp_path / "seed-0"


def test_a_moment_that_was_lost_is_told_and_a_longer_gap_is_not():
    rows = torch.zeros(1, 2, STEPS)
    rows[:, :, 10 : 10 + int(0.4 * RATE)] = torch.nan
    rows[:, 0, 30:] = torch.nan  # one sensor is enough
    rows[:, :, 40 : 40 + round(RATE)] = torch.nan
    rows[:, :, -3:] = torch.nan
    seen = torch.nn.functional.interpolate(frames_seen(rows, config())[None].float(), STEPS)[0, 0] > 0
    gap, end = torch.zeros(STEPS, dtype=torch.bool), torch.arange(STEPS) >= STEPS - 3
    gap[40 : 40 + round(RATE)] = True
    assert torch.equal(~seen, gap | end)


def test_a_new_process_gives_the_same_answer(folder, tmp_path):
    signal = windows(3)[0]
    np.save(tmp_path / "x.npy", signal)
    code = (
        "import sys, numpy as np, vqtext\n"
        "m = vqtext.load(sys.argv[1]); x = np.load(sys.argv[2])\n"
        "np.save(sys.argv[3], m.predict_proba(x)); print(m.explain(x)[0])\n"
    )
    paths = [str(folder), str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
    output = subprocess.run(
        [sys.executable, "-c", code, *paths], capture_output=True, text=True, check=True
    ).stdout
    model = load(folder)
    assert np.abs(np.load(tmp_path / "y.npy") - model.predict_proba(signal)).max() < 1e-6
    assert output.strip() == str(model.explain(signal)[0])
    assert " = " in output and " s" in output


def test_one_sample_many_and_a_batch_give_the_same(folder):
    model, signal = load(folder), windows(4)[0]
    assert np.allclose(model.predict_proba(signal[1]), model.predict_proba(signal)[1:2], atol=1e-6)
    assert str(model.explain(signal[1])[0]) == str(model.explain(signal)[1])


def test_a_run_folder_gives_its_best_seed(folder):
    (folder.parent / "run.json").write_text(json.dumps({"best": "seed-0"}))
    assert load(folder.parent).config == load(folder).config


def test_the_answer_is_told_in_the_problems_its_own_label(folder, monkeypatch):
    path, signal = folder / "anchors.json", windows(8)[0]
    plain = load(folder).explain(signal)
    anchors = json.loads(path.read_text(encoding="utf-8"))
    assert anchors["transcripts"][0].pop("display", 0) is None, "a model of before there were displays"
    for use in anchors["transcripts"][0]["uses"]:
        assert use.pop("display") is None
    path.write_text(json.dumps(anchors), encoding="utf-8")
    assert load(folder).explain(signal) == plain
    for transcript in anchors["transcripts"]:
        transcript["display"] = f"{transcript['label']} 동작"
        for use in transcript["uses"]:
            use["display"] = f"{transcript['label']} 단계 {use['anchor']}"
    path.write_text(json.dumps(anchors, ensure_ascii=False), encoding="utf-8")
    monkeypatch.setattr(
        decoder, "CONFIG", dataclasses.replace(decoder.CONFIG, background=-1e9)
    )  # nothing is unknown
    model = load(folder)
    for reason in model.explain(signal):
        assert reason.display == f"{reason.label} 동작"
        for step in reason.steps:
            own = step.name, step.display
            assert own in [(ANCHORS[i], f"{reason.label} 단계 {i}") for i in range(4)]
        assert f" = {reason.label} 동작 ({reason.confidence:.2f})" in str(reason)
        assert f"{reason.label} 단계 " in str(reason) and "hand" not in str(reason)
        assert set(reason.to_dict()) == {
            *(
                "label",
                "confidence",
                "steps",
                "display",
                "runner_up",
                "familiar",
                "same_steps",
                "of_same",
                "cycle",
            )
        }
    assert {reason.label for reason in model.explain(signal)}, "there is something to tell"


def test_short_windows_and_gaps_are_fine(folder):
    model, signal = load(folder), windows(2)[0]
    assert model.explain(signal[:, :, :30])[0].steps[-1].end_s == 1.5
    signal[0, 0, 5:20] = np.nan
    assert np.isfinite(model.predict_proba(signal)).all()


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda x: x[:, :1], ShapeError, "1 channels.* 2: acc_x, acc_y"),
        (lambda x: np.tile(x, 2), ShapeError, r"160 samples \(8 s\).*80 \(4 s at 20 Hz\)"),
        (lambda x: x[0, 0], ShapeError, "1-dimensional"),
        (lambda x: x[:0], ShapeError, "no window"),
        (lambda x: np.where(np.arange(80) == 3, np.inf, x), DataError, "window 0.*infinite.*acc_x"),
        (lambda x: np.where(np.arange(80) == 3, 1e38, x), DataError, r"window 0 has the value 1e\+38.*acc_x"),
        (lambda x: x * np.nan, DataError, "window 0 .*NaN"),
    ],
)
def test_signals_that_do_not_fit_are_refused_in_words(folder, change, error, says):
    with pytest.raises(error, match=says):
        load(folder).explain(change(windows(2)[0]))


def test_errors_call_a_window_by_its_own_number(folder):
    signal = windows(9)[0]
    signal[7] = np.nan
    with pytest.raises(DataError, match="window 7"):
        load(folder).explain(signal, np.array([2, 7]))


def test_codes_do_the_talking(folder, monkeypatch):
    """At test no output knows more of a token's shape than its code: another point of the code's own cell
    gives the same answers."""
    model, signal = load(folder), windows(6)[0]
    before = model.tokenize(signal), model.decode(signal), model.explain(signal)
    tokenizer, codebook = model.network.trunk.tokenizer, model.network.trunk.codebook
    whole, moved = tokenizer.forward, []

    def elsewhere(*args, **kwargs):
        a = whole(*args, **kwargs)
        centre = codebook.shape[codebook(a.z, a.keep).code]
        z = a.z + 0.9 * (centre - a.z)  # cells are convex: the way to the centre stays inside
        moved.append(float((z - a.z).abs().mean()))
        return dataclasses.replace(a, z=z)

    monkeypatch.setattr(tokenizer, "forward", elsewhere)
    after = model.tokenize(signal), model.decode(signal), model.explain(signal)
    assert min(moved) > 1e-3
    assert np.array_equal(before[0].code, after[0].code)
    for name in ("features", "classes", "names"):
        assert np.allclose(getattr(before[0], name), getattr(after[0], name), atol=1e-5), name
    assert np.array_equal(before[1].use, after[1].use)
    assert np.allclose(before[1].log_posterior, after[1].log_posterior, atol=1e-4)
    for one, other in zip(before[2], after[2], strict=True):
        assert one.label == other.label
        assert [(s.name, s.start_s, s.end_s) for s in one.steps] == [
            (s.name, s.start_s, s.end_s) for s in other.steps
        ]


@pytest.mark.parametrize("channels", ["joint", "independent"])
def test_another_signal_behind_the_same_tokens_is_told_the_same(channels, monkeypatch):
    """Class and reason are functions of (code, mu, sigma, t, l): what codes do not carry decides nothing."""
    sizes = {"joint": {}, "independent": {"channels": "independent", "patches": 16, "tokens": 8}}[channels]
    torch.manual_seed(0)
    network = Network(config(**sizes), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    model, signal = VQText(network, Decoder(config(**sizes), vocabulary())), windows(6)[0]
    tokens = model.tokenize(signal)
    action = model.network.trunk.action[torch.from_numpy(tokens.code).clamp(min=0)]
    before = model.decode(signal), model.explain(signal)
    trunk = model.network.trunk.forward

    def behind(*seen):
        """What the trunk found in another signal, with these tokens in its place."""
        found = trunk(*seen)
        parts = {
            name: torch.from_numpy(getattr(tokens, name)) for name in ("t", "l", "mu", "sigma", "features")
        }
        parts["code"] = torch.from_numpy(tokens.code).clamp(min=0)
        return dataclasses.replace(found, **parts, action=action, keep=torch.from_numpy(tokens.code >= 0))

    monkeypatch.setattr(model.network.trunk, "forward", behind)
    other = windows(6, seed=7)[0][::-1].copy()
    after = model.decode(other), model.explain(other)
    assert after[1] == before[1]
    for name in ("log_posterior", "steps", "use", "anchor", "confidence"):
        assert np.array_equal(getattr(after[0], name), getattr(before[0], name)), name
    monkeypatch.undo()
    assert not np.array_equal(model.decode(other).log_posterior, before[0].log_posterior)


def test_the_class_head_decides_nothing_where_no_two_labels_have_the_same_steps(folder):
    model, signal = load(folder), windows(6)[0]
    before = model.decode(signal), [str(reason) for reason in model.explain(signal)]
    with torch.no_grad():
        for weight in model.network.class_head.parameters():
            weight.normal_(0, 10)
    after = model.decode(signal)
    for name, value in vars(before[0]).items():
        assert np.array_equal(getattr(after, name), value), name
    assert [str(reason) for reason in model.explain(signal)] == before[1]


def test_every_way_to_ask_for_the_class_gives_the_same(folder):
    model, signal = load(folder), windows(8)[0]
    labels = [reason.label for reason in model.explain(signal)]
    assert model.predict(signal).tolist() == labels
    assert model.classes[model.decode(signal).label].tolist() == labels
    assert model.classes[model.predict_proba(signal).argmax(1)].tolist() == labels


def test_damage_is_one_clear_error(folder, tmp_path):
    with pytest.raises(ArtifactError, match="vqtext train"):
        load(tmp_path / "nothing")
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"junk", b""):
        weights.write_bytes(damaged)
        with pytest.raises(ArtifactError, match="vqtext train"):
            load(folder)
    weights.write_bytes(whole)
    (folder / "config.json").write_text('{"format": 9}')
    with pytest.raises(ArtifactError, match="format 9"):
        load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ArtifactError):
        load(folder)


@pytest.mark.parametrize(
    ("file", "key", "value"),
    [
        ("config.json", "steps", 0),
        ("config.json", "rate_hz", 0),
        ("config.json", "started", 3),
        ("config.json", "settings", {"dim": 16, "heads": 3}),
        ("anchors.json", "anchors", []),
    ],
)
def test_sizes_that_no_model_has_are_one_clear_error(folder, file, key, value):
    config = json.loads((folder / file).read_text()) | {key: value}
    (folder / file).write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match="vqtext train") as error:
        load(folder)
    assert file in str(error.value) and "\n" not in str(error.value)


def test_weights_of_another_model_are_refused_and_named(folder):
    from safetensors.torch import load_file, save_file

    file = folder / "model.safetensors"
    whole = load_file(file)
    network = [name for name in whole if name.startswith("network.")]

    def refused(tensors: dict, *problems: str) -> None:
        save_file(tensors, file)
        with pytest.raises(ArtifactError) as error:
            load(folder)
        for words in ("is not this model's", *problems, "vqtext train"):
            assert words in str(error.value)
        assert len(str(error.value)) < 900

    refused({name: x for name, x in whole.items() if name not in network}, "it lacks network.", " more")
    extra = {f"network.made_up_{i}": torch.zeros(1) for i in range(12)}
    refused({**whole, **extra}, "no such model has: network.made_up_", "and 2 more")
    shape = "network.trunk.codebook.shape"
    refused({**whole, shape: whole[shape][:-1].clone()}, f"has other shapes: {shape}")
    refused({**whole, shape: whole[shape] * torch.nan}, f"not finite in {shape}")
    save_file(whole, file)
    load(folder)


def test_another_sensor_set_up_is_arranged_by_what_its_channels_are(folder):
    """A user has the same sensor with its axes the other way round, or has one axis alone."""
    model, signal = load(folder), windows(4)[0]
    x, y = model.config.channels
    turned = model.arrange(signal[:, ::-1], [dataclasses.replace(y, name="Y"), x])
    np.testing.assert_array_equal(turned, signal)
    lone = model.arrange(signal[0, :1], [x])
    assert lone.shape == signal[0].shape and np.isnan(lone[1]).all()
    assert model.explain(lone)[0].label in model.config.labels


def test_channels_that_share_all_that_is_known_of_them_are_told_apart_by_their_order():
    """Current and temperature of one machine, both of no known kind."""
    twins = (*CHANNELS, dataclasses.replace(CHANNELS[1], name="other"))
    made = dataclasses.replace(config(), channels=twins)
    signal = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(arrange(signal, twins, made), signal)
    np.testing.assert_array_equal(arrange(signal[[1, 0, 2]], [twins[i] for i in (1, 0, 2)], made), signal)
    with pytest.raises(ShapeError, match="wrist acc y"):
        arrange(signal, [twins[1]] * 3, made)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"location": "chest"}, "chest acc x.* wrist acc"),
        ({"axis": "z"}, "never saw wrist acc z"),
        ({"unit": "rad/s"}, "acc_x is in rad/s.* m/s2"),
        ({"gravity": False}, "acc_x is in m/s2 without gravity"),
    ],
)
def test_a_channel_that_the_model_never_saw_is_named(folder, change, said):
    model = load(folder)
    x, y = model.config.channels
    with pytest.raises(ShapeError, match=said):
        model.arrange(windows(1)[0], [dataclasses.replace(x, **change), y])
    with pytest.raises(ShapeError, match="1 channels"):
        model.arrange(windows(1)[0], [x])
