"""What is learnt of a network once it is trained: its class head anew, the decoder, and what is usual.

A class head that learnt with everything else is sure of the people it learnt from. On the finished tokens it
is one linear layer, which has a best solution: it is fitted again, as strictly as people it has not seen ask
for. That, the decoder's weights of chain and head, and how unlike those learned a window may be, are chosen
while the validation windows are still new to the network. Then there is nothing left for them to choose, and
they may be learned from.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from torch import Tensor, nn

from vqtext.model.decoding.confidence import at_most_chance, calibration_factors
from vqtext.model.decoding.decoder import UNKNOWN, Decoder
from vqtext.model.decoding.inputs import blocks
from vqtext.model.grounding.base import Grounding
from vqtext.model.load import VQText
from vqtext.model.network.frame_names import frame_states
from vqtext.model.training.lightning_module import calibrated_nll
from vqtext.model.training.training_data import TrainingData
from vqtext.pipeline.training.linear_head import STRENGTHS, USUAL, linear
from vqtext.pipeline.training.sampling import few_of_each

WINDOWS_PER_LABEL = 500  # windows of a label that are enough to know it and how its steps follow each other
NEVER = -30.0  # logit of a label that was not there
TRUST = 1.0  # spread of the logarithm of a strength around the usual one, in nats


@dataclass(frozen=True)
class Outputs:
    """What a network says of N windows.

    Attributes:
        states: their probabilities at each frame, ``(N, F, V)``, in half precision.
        pooled: input of the class head, ``(N, f)``.
        label: the truth, ``(N,)``.
        keep: frames inside the window, ``(N, F)``.
        place: of the windows among those of the data, ``(N,)``.
    """

    states: Tensor
    pooled: Tensor
    label: Tensor
    keep: Tensor
    place: Tensor


@dataclass(frozen=True)
class Chosen:
    """What the validation windows chose while they were new to the network.

    Attributes:
        strength: inverse regularisation of the class head.
        temperature: of the decoder's posterior.
        usual: distance from those learned that is still in distribution (`ood`).
        nll, accuracy: of the class head on the validation windows.
        place, path, posterior: which windows these were, ``(V,)``, the uses they were decoded as, −1 beyond a
            window's end, and how likely each was, ``(V, F)``.
    """

    strength: float
    temperature: Tensor
    usual: float
    nll: float
    accuracy: float
    place: Tensor
    path: Tensor
    posterior: Tensor


def choose(model: VQText, data: TrainingData) -> Chosen | None:
    """How strict the class head should be, and what the decoder's two witnesses count; the model is left as
    it was tried last.

    Returns:
        None without validation windows of a label that was trained, or with one label alone.
    """
    # a label that training never saw cannot be learnt, and would rule how strict the head is
    known = torch.isin(data.label[data.validation], data.label[data.train])
    if not known.any() or len(data.label[data.train].unique()) < 2:
        return None
    learn, held = _outputs(model, data, data.train), _outputs(model, data, data.validation[known])
    strength, classes = _fit_strictly(model.network.class_head, learn, held)
    model.decoder.calibrate(held.states, classes, held.label, held.keep)
    model.decoder.novelty.fit(learn.pooled, learn.label)
    path, posterior = _decoded(model.decoder, held)
    right = (classes.argmax(-1) == held.label).float()
    return Chosen(
        strength,
        model.decoder.temperature.clone(),
        model.decoder.novelty.threshold(held.pooled),
        nll=float(calibrated_nll(classes, held.label)),
        accuracy=float(right.mean()),
        place=held.place,
        path=torch.where(held.keep, path, UNKNOWN),
        posterior=posterior,
    )


def finish(model: VQText, data: TrainingData, chosen: Chosen | None, names: Grounding) -> None:
    """Fit the class head and the decoder of a trained network to its training windows, in place.

    Where nothing was chosen the class head stays as it is, and the decoder's weights too.

    Args:
        names: what decided the names; with the validation windows among its own, where some were chosen on:
            their path is held against the evidence alone.
    """
    learn = _outputs(model, data, data.train)
    decoder = model.decoder
    sure = torch.ones_like(decoder.sure)
    if chosen is not None:
        decoder.temperature.copy_(chosen.temperature)
        decoder.novelty.fit(learn.pooled, learn.label)
        decoder.novelty.strict.fill_(1 / chosen.usual)
        _fit(model.network.class_head, learn.pooled, learn.label, chosen.strength)
        if names.posterior is not None:
            frame_s = model.config.window_s / model.config.frames
            row = data.row_of(chosen.place)
            place, path, posterior = (x[row >= 0] for x in (chosen.place, chosen.path, chosen.posterior))
            named_as, group = names.anchors(place), data.evidence.group[row[row >= 0]]
            sure = calibration_factors(path, posterior, named_as, group, decoder.grammar.anchor, frame_s)
    decoder.sure.copy_(at_most_chance(sure, _identified(model, names), decoder.grammar.valid))


def _identified(model: VQText, names: Grounding) -> Tensor:
    """Labels of whose steps something tells one from the next, ``(n,)``: what decided the names; or order
    alone, where windows are whole trials of something that has a beginning."""
    transcripts = model.vocabulary.transcripts
    if names.posterior is None:
        return torch.zeros(len(transcripts), dtype=torch.bool)
    begins = torch.tensor([not model.config.anywhere and not t.cyclic for t in transcripts])
    return names.posterior.identified | begins


def _decoded(decoder: Decoder, held: Outputs) -> tuple[Tensor, Tensor]:
    """Path and its posterior of windows whose label is known, ``(V, F)`` each."""
    chain = decoder.chain()
    parts = [
        decoder.path(decoder.emission(held.states[rows].float(), held.keep[rows]), chain, held.label[rows])
        for rows in torch.arange(len(held.label)).split(64)
    ]
    path, posterior = (torch.cat(part) for part in zip(*parts, strict=True))
    return path, posterior


def _outputs(model: VQText, data: TrainingData, part: Tensor) -> Outputs:
    """Of some windows of each label that the E-step reads, too, and of some others."""
    read = data.row_of(part) >= 0
    parts = [some for some in (part[read], part[~read]) if len(some)]
    few = [few_of_each(data.label[some].numpy(), WINDOWS_PER_LABEL) for some in parts]
    shown = torch.cat([some[places] for some, places in zip(parts, few, strict=True)])
    states, pooled = [], []
    with torch.no_grad():
        for rows in blocks(data.signal[data.rows[shown.numpy()]], None, model.config):
            out = model.network.read(rows)
            states.append(frame_states(out, model.config.frames).half())
            pooled.append(out.pooled)
    return Outputs(torch.cat(states), torch.cat(pooled), data.label[shown], data.frame_keep[shown], shown)


def _fit_strictly(head: nn.Sequential, learn: Outputs, held: Outputs) -> tuple[float, Tensor]:
    """How strictly a head that learns from the training windows makes held-out labels most likely, and the
    logits it gives those, ``(N, n)``. ``head`` is left as it was tried last.

    The strength has a log-normal prior around `USUAL`: a handful of held-out windows would choose by chance.
    """

    def tried(strength: float) -> Tensor:
        _fit(head, learn.pooled, learn.label, strength)
        with torch.no_grad():
            return head(held.pooled)

    def missed(strength: float) -> float:
        misfit = len(held.label) * float(calibrated_nll(classes[strength], held.label))
        return misfit + 0.5 * (log(strength / USUAL) / TRUST) ** 2

    classes = {strength: tried(strength) for strength in STRENGTHS}
    best = min(STRENGTHS, key=missed)
    return best, classes[best]


def _fit(head: nn.Sequential, pooled: Tensor, label: Tensor, strength: float) -> None:
    """Logistic regression of the labels on standardised features, written into the head's linear layer."""
    model = linear(0).set_params(logisticregression__C=strength)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an optimiser at its last iteration
        scaler, regression = (part for _, part in model.fit(pooled.numpy(), label.numpy()).steps)
    weight, bias = regression.coef_, regression.intercept_
    if len(regression.classes_) == 2:  # one row then, of the second against the first
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scaler.scale_
    layer = head[-1]
    assert isinstance(layer, nn.Linear)
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.fill_(NEVER)
        layer.weight[regression.classes_] = torch.from_numpy(weight).to(layer.weight)
        layer.bias[regression.classes_] = torch.from_numpy(bias - weight @ scaler.mean_).to(layer.bias)
