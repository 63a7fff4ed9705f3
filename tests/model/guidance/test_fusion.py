"""A user would lose: every way for text to guide, and the promise that at test time none is there."""

import dataclasses
import inspect
import itertools
import json

import pytest
import torch
from toy import OF_STATE, config, data, vocabulary, windows

from vqtext.model.decoding.decoder import Decoder
from vqtext.model.distributed import mean_of
from vqtext.model.guidance.fusion import SKETCH, Fusion, Partners
from vqtext.model.load import VQText, load
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.training.guidance_losses import (
    SMOOTHING,
    contrast,
    guidance_metrics,
    guided_losses,
)
from vqtext.model.training.losses import WEIGHTS, losses

WAYS = ("signal", "bidirectional", "text-contrast")
PLACES = ("patches", "tokens")
COMBINATIONS = list(itertools.product(WAYS, PLACES))
LABEL_VECTORS = data().label_vectors

SAID = ("states", "names", "own_names", "classes", "text")


def network(fusion="signal", place="patches", **settings):
    torch.manual_seed(0)
    cfg = dataclasses.replace(config(**settings), token_dim=6, fusion=fusion, place=place)
    net = Network(cfg, data().anchors, OF_STATE)
    net.normalise.fit([torch.from_numpy(data().signal)])
    return net


def batch(count=6, guided=4):
    """Signals, labels, and text for the first ``guided`` of them, with gaps."""
    signal, label, _ = windows(count)
    chance = torch.Generator().manual_seed(1)
    text = torch.randn(count, 7, 6, generator=chance)
    mask = torch.rand(count, 7, generator=chance) < 0.7
    mask[:, 2] = True
    mask[guided:] = False
    text[~mask] = 0
    return torch.from_numpy(signal), torch.from_numpy(label), text, mask


def terms_of(net, out, label):
    target = torch.full((len(label), net.config.frames, 4), 0.25)
    keep = torch.ones(target.shape[:2], dtype=torch.bool)
    states, decoder = frame_states(out, net.config.frames), Decoder(net.config, vocabulary())
    return losses(out, states, label, target, keep, LABEL_VECTORS, decoder)


@pytest.mark.parametrize("channels", ["joint", "independent"])
@pytest.mark.parametrize(("fusion", "place"), COMBINATIONS)
def test_every_way_at_every_place_teaches_each_of_its_weights(fusion, place, channels):
    net = network(fusion, place, channels=channels)
    signal, label, text, mask = batch()
    terms = terms_of(net, net(signal, text, mask), label)
    torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum().backward()
    assert all(value.isfinite() for value in terms.values())
    assert ("contrast" in terms) == (fusion != "signal")
    assert ("text_predicts" in terms) == ("signal_predicts" in terms) == (fusion == "bidirectional")
    # every window has a label, so none draws its signal
    idle = {name for name, p in net.trunk.fusion.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name for name in idle if "sketch" not in name} == set()
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)
    reached = (
        net.trunk.encoder.embed if channels == "joint" else net.trunk.vqshape.encoder.project
    )  # by the codes
    assert reached.weight.grad.any()


@pytest.mark.parametrize(("fusion", "place"), COMBINATIONS)
def test_a_batch_without_any_text_trains_and_leaves_the_fusion_alone(fusion, place):
    net = network(fusion, place)
    signal, label, text, mask = batch(guided=0)
    terms = terms_of(net, net(signal, text, mask), label)
    torch.stack(list(terms.values())).sum().backward()
    assert all(value == 0 for name, value in terms.items() if "guided" in name or name == "contrast")
    assert terms["class"] > 0
    assert all(p.grad is None or not p.grad.any() for p in net.trunk.fusion.parameters())
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)


@torch.no_grad()
@pytest.mark.parametrize(("fusion", "place"), COMBINATIONS)
def test_a_window_without_text_is_answered_bit_for_bit_as_at_test_time(fusion, place):
    net = network(fusion, place).eval()
    signal, _, text, mask = batch()
    guided, alone = net(signal, text, mask), net(signal)
    for name in ("classes", "names", "features", "rebuilt"):
        assert torch.equal(getattr(guided, name)[4:], getattr(alone, name)[4:]), name
    assert not torch.allclose(guided.classes[:4], alone.classes[:4], atol=1e-3)


@torch.no_grad()
def test_only_bidirectional_lets_what_the_text_asked_go_on():
    for fusion, reaches in (("bidirectional", True), ("text-contrast", False)):
        net = network(fusion).eval()
        signal, _, text, mask = batch()
        before = net(signal, text, mask)
        net.trunk.fusion.text_asks.in_proj_weight.add_(0.5)
        after = net(signal, text, mask)
        assert torch.equal(before.classes, after.classes) != reaches
        assert not torch.equal(before.fused.partners.text, after.fused.partners.text)
        assert torch.equal(before.fused.partners.signal, after.fused.partners.signal)


@torch.no_grad()
def test_each_result_is_its_own_query_and_what_the_other_answered():
    fusion = Fusion(dataclasses.replace(config(), token_dim=6, fusion="text-contrast"))
    for asks in (fusion.signal_asks, fusion.text_asks):
        asks.out_proj.weight.zero_()
        asks.out_proj.bias.fill_(2)
    h, (_, _, text, mask) = torch.randn(6, 5, 16), batch()
    keep = torch.arange(5) < torch.tensor([[3]] * 6)
    fused = fusion(h, keep, text, mask)
    assert torch.allclose(fused.h[:4], h[:4] + 2)
    assert torch.equal(fused.h[4:], h[4:])
    own = torch.stack(
        [fusion.project(row[present]).mean(0) for row, present in zip(text[:4], mask[:4], strict=True)]
    )
    assert torch.allclose(fused.partners.text[:4], fusion.text_space(own + 2), atol=1e-5)
    assert torch.allclose(fused.partners.signal[:4], fusion.signal_space(h[:4, :3].mean(1) + 2), atol=1e-5)


def partners(signal, text):
    return Partners(signal, text, torch.tensor(3.0), None)


def test_contrast_is_low_where_each_finds_its_own_and_high_where_it_finds_another():
    x, all_of_them = torch.eye(4), torch.ones(4, dtype=torch.bool)
    label = torch.arange(4)
    right, wrong = (contrast(partners(x, y), all_of_them, label) for y in (x, x.roll(1, 0)))
    assert right < 0.01 < 5 < wrong


def test_windows_of_one_label_are_not_pushed_apart_but_unlabelled_ones_are():
    same = torch.eye(2)[[0, 0]]
    both = torch.ones(2, dtype=torch.bool)
    assert contrast(partners(same, same), both, torch.tensor([3, 3])) == 0
    assert contrast(partners(same, same), both, torch.tensor([3, 4])) == pytest.approx(0.693, abs=1e-3)
    assert contrast(partners(same, same), both, torch.tensor([-1, -1])) == pytest.approx(0.693, abs=1e-3)
    assert contrast(partners(same, same), torch.tensor([True, False]), torch.tensor([3, 4])) == 0


def test_contrast_stays_in_full_precision_where_the_step_does_not():
    x = torch.nn.functional.normalize(torch.randn(4, 16), dim=-1)
    rows, label = torch.ones(4, dtype=torch.bool), torch.arange(4)
    full = contrast(partners(x, x), rows, label)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(contrast(partners(x, x), rows, label), full)


@pytest.mark.parametrize(("fusion", "place"), COMBINATIONS)
def test_every_way_trains_in_half_precision(fusion, place):
    net = network(fusion, place)
    signal, label, text, mask = batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = terms_of(net, net(signal, text, mask), label)
    torch.stack([value.float() for value in terms.values()]).sum().backward()
    assert (
        net.trunk.fusion.project.weight.grad.isfinite().all() and net.trunk.fusion.project.weight.grad.any()
    )


def test_each_path_has_the_mean_of_its_own_windows():
    """Guided windows are told the label and become easy: they may not dilute what is asked at test time."""
    net = network().eval()
    signal, label, text, mask = batch(count=6, guided=5)
    out = net(signal, text, mask)
    terms = guided_losses(out, label, LABEL_VECTORS)
    each = torch.nn.functional.cross_entropy(out.classes, label, reduction="none", label_smoothing=SMOOTHING)
    assert torch.allclose(terms["class"], each[5]) and torch.allclose(terms["class_guided"], each[:5].mean())
    terms["class"].backward()
    assert all(p.grad is None or not p.grad.any() for p in net.trunk.fusion.parameters())


def test_without_guidance_all_windows_are_signal_alone():
    net = Network(config(), data().anchors, OF_STATE).eval()
    signal, label, *_ = batch()
    out = net(signal)
    terms = guided_losses(out, label, LABEL_VECTORS)
    assert set(terms) == {"class", "text"}
    assert set(guidance_metrics(out, label)) == {"accuracy_signal_only"}
    each = torch.nn.functional.cross_entropy(out.classes, label, label_smoothing=SMOOTHING)
    assert torch.allclose(terms["class"], each)


def test_a_window_without_label_draws_its_signal_instead():
    net = network("bidirectional").eval()
    signal, label, text, mask = batch(count=2, guided=2)
    signal[0, :, 40:] = torch.nan
    label[:] = -1
    out = net(signal, text, mask)
    terms = guided_losses(out, label, LABEL_VECTORS)
    assert terms["class"] == terms["class_guided"] == terms["text_guided"] == 0
    sketch = out.fused.partners.predictions[1].sketch
    stretches = out.signal.unflatten(-1, (SKETCH, -1)).mean(-1)
    seen = torch.tensor([[True] * 8 + [False] * 8, [True] * 16])[:, None]
    away = ((sketch - stretches) * seen).square().mean()
    assert torch.allclose(terms["text_predicts"], away, atol=1e-6)
    terms["text_predicts"].backward()
    assert net.trunk.fusion.text_predicts.sketch.weight.grad.any()
    assert not net.trunk.fusion.text_predicts.classes.weight.grad.any()


def test_metrics_tell_the_paths_apart_and_leave_out_one_that_no_window_took():
    net = network().eval()
    signal, _, text, mask = batch(guided=4)
    out = net(signal, text, mask)
    label = out.classes.argmax(-1)
    label[:1] = 1 - label[:1]
    metrics = guidance_metrics(out, label)
    assert {name: (float(value), count) for name, (value, count) in metrics.items()} == {
        "accuracy_guided": (0.75, 4),
        "accuracy_signal_only": (1.0, 2),
    }
    signal, label, text, mask = batch(guided=6)
    assert set(guidance_metrics(net(signal, text, mask), label)) == {"accuracy_guided"}


def test_the_mean_over_no_rows_is_nothing_and_a_nan_beside_them_is_not_counted():
    value = torch.tensor([1.0, torch.nan], requires_grad=True)
    mean_of(value, torch.tensor([True, False])).backward()
    assert value.grad.tolist() == [1, 0]
    assert mean_of(value, torch.tensor([False, False])) == 0


def test_a_trained_model_cannot_be_asked_with_text():
    methods = {name for name in vars(VQText) if callable(getattr(VQText, name)) and not name.startswith("_")}
    assert {"explain", "predict", "predict_proba", "decode", "tokenize"} <= methods
    signatures = [inspect.signature(getattr(VQText, name)) for name in methods]
    taken = {parameter for signature in signatures for parameter in signature.parameters}
    assert not {word for word in taken if "text" in word or "mask" in word or "guid" in word}


@torch.no_grad()
@pytest.mark.parametrize(("fusion", "place"), COMBINATIONS)
def test_no_text_reaches_the_model_at_test_time(fusion, place, tmp_path, monkeypatch):
    """What is saved holds no weight that text uses and no word of guidance, and answers bit for bit what the
    trained network answers, whatever those weights are."""
    net = network(fusion, place)
    signal = torch.from_numpy(windows(3)[0])
    before = net.eval()(signal)
    for parameter in net.trunk.fusion.parameters():
        parameter.normal_(std=100)
    after = net(signal)
    assert all(torch.equal(getattr(before, n), getattr(after, n)) for n in SAID)
    VQText(net, Decoder(net.config, vocabulary())).save(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "anchors.json",
        "config.json",
        "model.safetensors",
    ]
    assert not {"token_dim", "fusion", "place", "guidance"} & set(
        json.loads((tmp_path / "config.json").read_text())
    )
    monkeypatch.setattr(Fusion, "forward", lambda *_: pytest.fail("text was asked for"))
    model = load(tmp_path)
    assert (
        model.network.trunk.fusion is None
        and model.config == VQText(net, Decoder(net.config, vocabulary())).config
    )
    assert not any("fusion" in name for name in model.network.state_dict())
    model.predict(signal.numpy())
    found = model.network(signal)
    assert all(torch.equal(getattr(before, n), getattr(found, n)) for n in SAID)
