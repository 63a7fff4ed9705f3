"""Which texts reach which training window: a user would lose the facts of the right person, or the label."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from test_embed import MORE, WORDS, put_windows

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.splits.splits import Split
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.training.losses import WEIGHTS, losses
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.pipeline.training.assemble import _guidance, training_data
from vqtext.pipeline.training.lint_run import unguided
from vqtext.settings.schema import GuidanceSettings, ModelSettings

FACTS = ["27 years old", "182 cm tall", "83 kg", "male", "right-handed"]


@pytest.mark.parametrize("source", ["label", "description", "both", "none"])
def test_texts_of_windows(source: str, write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, **MORE)
    settings.guidance.source = "both"
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    windows = read_windows(settings.cache / "windows.h5")
    windows.subject[0] = -1  # nobody knows who it was
    pool = np.array([5, 0, 3])
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        found = _guidance(texts, windows, pool, GuidanceSettings(source=source))
        text, described = texts["text"], texts["window_text"]
    if source == "none":
        assert found is None
        return
    assert found is not None
    labels = [["stand"], ["walk", "someone walks", "goes on foot", "strolls"]]
    said = [[text[i] for i in places] for places in found.label_texts]
    assert said == (labels if source != "description" else [[], []])
    expected = [described[i] for i in (5, 0, 3)] if source != "label" else [-1] * 3
    assert found.descriptions == expected
    assert [[text[i] for i in places] for places in found.facts] == [FACTS, [], FACTS]
    assert found.dim == 64


@pytest.mark.parametrize(
    ("source", "facts"), list(itertools.product(["label", "description", "both", "none"], [True, False]))
)
def test_every_guidance_takes_a_step(
    source: str, facts: bool, write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    """Texts, facts, way and place are chosen freely: none of the combinations may break a training."""
    settings = write_words(WORDS, **MORE)
    settings.guidance.source = source
    put_windows(settings.cache, ["standing", "walking"])
    for stage in (Embed, Dedup):
        run(stage(settings, heard))
    windows = read_windows(settings.cache / "windows.h5")
    split = Split(np.array([0, 1, 2, 3]), np.array([4]), np.array([5]), "own")
    small = ModelSettings(dim=16, dim_code=4, codes=8, patches=10, tokens=5, layers=1, heads=2)
    for fusion, place in itertools.product(
        ["signal", "bidirectional", "text-contrast"], ["patches", "tokens"]
    ):
        guidance = GuidanceSettings(source=source, facts=facts, fusion=fusion, place=place, drop_facts=0)
        chosen = settings.model_copy(update={"model": small, "guidance": guidance})
        config, data = training_data(windows, split, chosen)
        held = [x for x in vars(data.evidence).values() if isinstance(x, torch.Tensor)]
        assert all(x.untyped_storage().nbytes() == x.nbytes for x in held), "no view keeps more"
        torch.manual_seed(0)
        network = Network(config, data.anchors, data.grammar.of_state)
        batch = data.part(data.train, drop=0.0).__getitems__([(i, i) for i in range(4)])
        if source == "none":
            assert network.trunk.fusion is None and batch.text is None
        else:
            assert batch.mask is not None and batch.mask.any(1).all()
            batch.mask[3] = False  # one window without text beside three with it
        out = network(batch.signal, batch.text, batch.mask)
        target = torch.full((4, config.frames, len(data.anchors)), 1 / len(data.anchors))
        said, decoder = frame_states(out, config.frames), Decoder(config, data.vocabulary)
        terms = losses(out, said, batch.label, target, batch.frame_keep, data.label_vectors, decoder)
        torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum().backward()
        reached = [p.grad for p in network.parameters() if p.grad is not None]
        assert all(grad.isfinite().all() for grad in reached)
        if network.trunk.fusion is not None:
            assert network.trunk.fusion.project.weight.grad.any()
        assert network.trunk.encoder.embed.weight.grad.any() and network.class_head[1].weight.grad.any()


def test_facts_are_left_out_where_they_are_not_wanted(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words(WORDS, **MORE)
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    windows = read_windows(settings.cache / "windows.h5")
    pool = np.array([5, 0, 3])
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        found = _guidance(texts, windows, pool, GuidanceSettings(facts=False, drop_tokens=0.2))
    assert found is not None and found.facts == [[], [], []]
    assert found.drop_tokens == 0.2


def test_labels_that_no_text_guides_are_told(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    """Words written by hand need no keyword; by default nothing else guides, and nobody would know."""
    settings = write_words(WORDS, **MORE)
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    windows = read_windows(settings.cache / "windows.h5")
    assert unguided(settings, windows) == []
    (line,) = unguided(settings, replace(windows, labels=["standing", "waving"]))
    assert "waving" in line and "--guidance none" in line
