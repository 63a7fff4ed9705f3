"""What words and sensors say of people that nobody saw: a decoder of signatures, without any network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from first_names import FirstNames

from vqtext.config import Settings
from vqtext.data.folds import splits_for
from vqtext.model import chains, grounding
from vqtext.model.evidence import Gaussians
from vqtext.pipeline.measures import at_samples, named_recall


def without_network(settings: Settings) -> tuple[float, float]:
    """Recall of truth words, each counted alike, and accuracy of the class, on the test windows of all folds.

    The first E-step fits what each step feels like on the training people, as every training begins. Test
    windows are then explained by the chains of all labels: their label is the one under which they are
    likeliest, their names are those of a walk that starts in it. Nothing is known of them but the signal,
    which is standardised by all windows of a person.
    """
    first = FirstNames(settings)
    evidence, grammar = first.data.evidence, first.data.grammar
    said, truth, right = [], [], []
    for split in splits_for(first.windows, settings.train):
        learn, test = evidence.of(split.learn), evidence.of(split.test)
        walk = grounding.make("order+signal", grammar, len(first.data.anchors), learn)
        felt = Gaussians(test)
        felt.mean, felt.variance = walk.data.mean, walk.data.variance
        rows = torch.arange(len(split.test))
        prior = torch.bincount(learn.label, minlength=len(grammar.anchor)).log()
        for some in rows.split(64):
            emission = felt.emission(some, walk.states)  # (b, F, n, U, K)
            home = replace(walk.chain, leaks=False)
            likely = torch.stack(
                [
                    chains.likelihood(emission[:, :, [i]], home, torch.full((len(some),), i))
                    for i in range(len(prior))
                ],
                1,
            )
            label = (likely + prior).argmax(1)
            own = emission if walk.chain.leaks else chains.own(emission, label)
            path = chains.likeliest(chains.posterior(own, walk.chain, label), label)
            anchors = grammar.anchor.flatten()[path].numpy()
            said.append(first.word[at_samples(anchors, first.windows.T)])
            right.append((label == test.label[some]).numpy())
        truth.append(first.truth[split.test])
    return named_recall(np.concatenate(said), np.concatenate(truth)), float(np.concatenate(right).mean())
