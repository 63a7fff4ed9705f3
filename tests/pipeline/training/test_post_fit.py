"""What is learnt when the network is done: classes that hold for people it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import toy

from vqtext.model.decoding.decoder import Decoder
from vqtext.model.grounding.base import Belief, Taught
from vqtext.model.grounding.e_step import Posterior
from vqtext.model.load import VQText
from vqtext.model.network.network import Network
from vqtext.model.training.training_data import TrainingData
from vqtext.pipeline.training import post_fit
from vqtext.pipeline.training.linear_head import USUAL, linear
from vqtext.pipeline.training.post_fit import NEVER, Chosen, choose, finish


@pytest.fixture
def model() -> VQText:
    """Untrained: what it says of a window is a random mixture, from which strong and weak are told well."""
    torch.manual_seed(0)
    data, config = toy.data(), toy.config()
    network = Network(config, data.anchors, data.grammar.of_state).eval()
    return VQText(network, Decoder(config, data.vocabulary))


def said(model: VQText, data, part: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(model.tokenize(data.signal[part.numpy()]).classes)


def finished(
    model: VQText, data: TrainingData, first: torch.Tensor | None = None, heard: bool = True
) -> Chosen | None:
    """The model finished on all windows, as its validation windows chose; names had this evidence."""
    chosen = choose(model, data)
    if first is None:  # evidence that says nothing
        first = torch.full((len(data.label), model.config.frames), -1)
    onto = torch.nn.functional.one_hot(first.clamp(min=0), len(data.anchors)).half()
    identified = torch.full((len(model.vocabulary.transcripts),), heard)
    known, chain = (first >= 0).all(1), model.decoder.chain()
    posterior = Posterior(onto, data.grammar.of_state, known, chain, identified)
    names = Taught(posterior, torch.arange(len(onto)), Belief(data.grammar, chain, 1 / toy.RATE))
    finish(model, data.whole(), chosen, names)
    return chosen


def test_a_trained_network_learns_its_classes_anew_and_tells_held_out_windows_apart(model):
    data = toy.data(64)
    before = said(model, data, data.train)
    finished(model, data)
    assert (said(model, data, data.train).argmax(-1) == data.label[data.train]).all()
    assert (before.argmax(-1) == data.label[data.train]).float().mean() < 0.9
    other = toy.data(64)
    other.signal[:], label, _ = toy.windows(64, seed=1)
    assert (said(model, other, torch.arange(64)).argmax(-1).numpy() == label).mean() > 0.9


def test_how_sure_the_steps_are_is_set_on_windows_that_nothing_has_learnt(model, monkeypatch):
    weighed = []
    monkeypatch.setattr(model.decoder, "calibrate", lambda *said: weighed.append(said))
    data = toy.data(64)
    chosen = finished(model, data)
    ((_, classes, label, _),) = weighed
    after = said(model, data, data.validation)
    assert (classes - after).abs().max() > 1e-3, "it was another head then"
    assert chosen.accuracy == (classes.argmax(-1) == label).float().mean()


def test_the_head_learns_from_validation_windows_too(model, monkeypatch):
    """The same windows with other labels make another head, however strict it is."""
    monkeypatch.setattr(post_fit, "STRENGTHS", (1.0,))
    data = toy.data(64)
    finished(model, data)
    weight = model.network.class_head[-1].weight.detach().clone()
    label = data.label.clone()
    label[data.validation] = 1 - label[data.validation]
    finished(model, replace(data, label=label))
    assert (weight - model.network.class_head[-1].weight).abs().max() > 1e-3


def test_the_head_is_as_sure_as_the_regression_that_was_fitted(model, monkeypatch):
    """Of two labels a regression has one row of weights, of which the head makes two."""
    monkeypatch.setattr(post_fit, "STRENGTHS", (0.1,))
    data = toy.data(64)
    finished(model, data)
    pooled, every = model.tokenize(data.signal).pooled, data.label.numpy()
    wanted = linear(0).set_params(logisticregression__C=0.1).fit(pooled, every).predict_proba(pooled)
    found = said(model, data, torch.arange(64)).softmax(-1)
    assert torch.allclose(found, torch.from_numpy(wanted).float(), atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_a_handful_of_windows_does_not_make_the_head_strict_or_bold(model, seed):
    """Four of them say by chance what strength suits them best."""
    data, draw = toy.data(64), torch.Generator().manual_seed(seed)
    few = data.validation[torch.randperm(len(data.validation), generator=draw)[:4]]
    assert choose(model, replace(data, validation=few)).strength == USUAL


def test_a_label_that_validation_alone_has_chooses_nothing(model):
    """Nobody can know it yet, and it must not decide how strict the head is."""
    data = toy.data(64)
    more = replace(
        data,
        signal=np.concatenate([data.signal, data.signal[:8]]),
        rows=np.arange(72),
        label=torch.cat([data.label, torch.full((8,), 2)]),
        validation=torch.cat([data.validation, torch.arange(64, 72)]),
        frame_keep=torch.cat([data.frame_keep, data.frame_keep[:8]]),
    )
    assert choose(model, more).nll == choose(model, data).nll


def test_without_validation_windows_the_head_stays_as_it_was_trained(model):
    data = toy.data(64)
    before = {name: weight.clone() for name, weight in model.network.state_dict().items()}
    finished(model, replace(data, validation=torch.arange(0)))
    assert all(torch.equal(before[name], weight) for name, weight in model.network.state_dict().items())


def test_one_label_alone_leaves_the_head_alone(model):
    data = toy.data(64)
    before = model.network.class_head[-1].weight.detach().clone()
    finished(model, replace(data, label=torch.zeros_like(data.label)))
    assert torch.equal(before, model.network.class_head[-1].weight)
    assert model.decoder.temperature == 1


def test_a_label_without_a_window_is_never_said(model):
    """Three labels in the transcripts, two in the data: the head must not guess at the third."""
    data = toy.data(64)
    torch.manual_seed(0)
    config = replace(toy.config(), labels=("shaking", "whirling", "waiting"))
    third = replace(
        data.vocabulary,
        transcripts=(*data.vocabulary.transcripts, replace(data.vocabulary.transcripts[0], label="waiting")),
    )
    decoder = Decoder(config, third)
    model = VQText(Network(config, data.anchors, decoder.grammar.of_state).eval(), decoder)
    finished(model, data)
    assert (said(model, data, data.train)[:, 2] == NEVER).all()
    assert (model.decode(data.signal).label != 2).all()


@pytest.mark.parametrize("agrees", [True, False])
def test_a_step_is_told_as_surely_as_evidence_of_unseen_people_agrees(model, agrees):
    """Else who lies still is told to breathe in for five seconds, and nothing says that it is made up."""
    data = toy.data(64)
    told = choose(model, data)
    before = model.decode(data.signal[data.validation.numpy()])
    by_evidence = model.decoder.grammar.anchor.flatten()[told.path]
    first = torch.full((64, told.path.shape[1]), -1)
    first[told.place] = by_evidence if agrees else (by_evidence + 1) % len(data.anchors)
    finished(model, data, first)
    after = model.decode(data.signal[data.validation.numpy()])
    assert (after.anchor == before.anchor).mean() > 0.9, "names stay what they are"
    share = after.confidence.mean() / before.confidence.mean()
    assert share > 0.95 if agrees else share < 0.2


@pytest.mark.parametrize("borne_out", [True, False])
def test_what_nothing_tells_apart_is_no_surer_than_chance(model, borne_out):
    """A machine of whose parts the words know nothing: its phases are found, and what they are called is
    drawn. That the sensors bear out when they change says nothing of their names."""
    data = toy.data(64)
    told = choose(model, data)
    first = torch.full((64, told.path.shape[1]), -1)
    first[told.place] = model.decoder.grammar.anchor.flatten()[told.path]
    finished(model, data, first if borne_out else None, heard=False)
    assert (model.decode(data.signal).confidence <= 0.5).all(), "two steps a label"


def test_where_no_evidence_names_anything_posteriors_stand(model):
    finished(model, toy.data(64))
    assert (model.decoder.sure == 1).all()


@pytest.mark.parametrize("begins", [True, False])
def test_order_alone_names_trials_that_are_seen_from_their_beginning(begins):
    """Of a cycle, or of a piece of a recording, nothing then says which step is which."""
    torch.manual_seed(0)
    data, config = toy.data(64), replace(toy.config(), anywhere=not begins)
    lines = tuple(replace(t, cyclic=False) for t in data.vocabulary.transcripts)
    words = replace(data.vocabulary, transcripts=lines)
    decoder = Decoder(config, words)
    model = VQText(Network(config, data.anchors, decoder.grammar.of_state).eval(), decoder)
    finished(model, data, heard=False)
    assert (model.decoder.sure.max() == 1) == begins and (model.decoder.sure <= 0.5).all() != begins


def test_noise_is_told_as_unlike_everything_learned_and_doubted(model):
    data = toy.data(96)
    finished(model, replace(data, train=torch.arange(64), validation=torch.arange(64, 96)))
    usual = toy.windows(200, seed=1)[0]
    noise = usual.std() * np.random.default_rng(0).standard_normal(usual.shape).astype(np.float32)
    known, strange = model.decode(usual), model.decode(noise)
    assert (known.familiar < 1).mean() < 0.1 and (strange.familiar < 1).mean() > 0.9
    assert known.log_posterior.max(1).mean() > strange.log_posterior.max(1).mean()
    told, doubted = model.explain(usual[:1])[0], model.explain(noise[:1])[0]
    assert "out of distribution" in str(doubted) and "unlike" not in str(told)
    assert doubted.confidence < 0.5 + doubted.familiar / 2 + 1e-3
    streamed = list(model.explain_stream(np.concatenate(noise[:3], 1)))
    assert all(reason.familiar < 1 for reason in streamed)


def test_without_validation_windows_everything_is_usual(model):
    data = toy.data(64)
    finished(model, replace(data, validation=torch.arange(0)))
    assert (model.decode(100 * data.signal).familiar == 1).all()
