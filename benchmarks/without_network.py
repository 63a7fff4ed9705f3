"""What words and sensors say of people that nobody saw: a decoder of signatures, without any network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from first_names import FirstNames

from vqtext.data.splits.folds import splits_for
from vqtext.model.grounding.e_step import EStepConfig, e_step, fit_emissions, word_weights
from vqtext.model.grounding.gaussians import Gaussians
from vqtext.model.hsmm import semi_markov
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_recall
from vqtext.settings.schema import Settings

KNOWS = frozenset({"order", "signal"})


def without_network(settings: Settings) -> tuple[float, float]:
    """Recall of truth words, each counted alike, and accuracy of the class, on the test windows of all folds.

    The E-step fits what each step feels like on the training people, as every training begins. Test windows
    are then explained by the chain of all labels, as a model's decoding does it: their label is that of the
    middle frame, their names are the likeliest given that. Nothing is known of them but the signal, which is
    standardised by all windows of a person.
    """
    first, config = FirstNames(settings), EStepConfig()
    evidence, grammar = first.data.evidence, first.data.grammar
    said, truth, right = [], [], []
    for split in splits_for(first.windows, settings.train):
        learn, test = evidence.of(split.learn), evidence.of(split.test)
        chain = e_step(learn, grammar, KNOWS, config).chain
        written, _ = word_weights(learn, grammar, KNOWS, config.emission)
        fitted, states = fit_emissions(learn, grammar, written, chain, config)
        of_test = Gaussians(test, config.emission)
        of_test.mean, of_test.variance = fitted.mean, fitted.variance
        prior = torch.bincount(learn.label, minlength=len(grammar.anchor)) / len(learn.label)
        chain = replace(chain, prior=prior)
        for some in torch.arange(len(split.test)).split(64):
            emission = of_test.emission(some, states)  # (b, F, n, U, K)
            label = semi_markov.label_posterior(emission, chain).argmax(1)
            path = semi_markov.most_likely(semi_markov.posterior(emission, chain, label), label)
            anchors = grammar.anchor.flatten()[path].numpy()
            said.append(first.word[at_samples(anchors, first.windows.T)])
            right.append((label == test.label[some]).numpy())
        truth.append(first.truth[split.test])
    return named_recall(np.concatenate(said), np.concatenate(truth)), float(np.concatenate(right).mean())
