"""A user would lose: a codebook that can be read, and codes that say when they do not know."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toy import ANCHORS, OF_STATE, config, data, vocabulary, windows

from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText
from vqtext.model.network.network import Network
from vqtext.pipeline.codes import _entry, decoded_names, describe_codes, lines, token_names
from vqtext.reason import UNKNOWN_NAME


@pytest.fixture
def model() -> VQText:
    torch.manual_seed(0)
    network = Network(config(), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    with torch.no_grad():  # even codes know their names, first one and then the next; odd codes know nothing
        anchors = network.anchors @ network.basis.T
        midst = torch.linalg.pinv(anchors).sum(1)  # as near to one anchor as to any other
        for code, action in enumerate(network.trunk.action):
            for s in range(len(action)):
                action[s] = anchors[(code // 2 + s) % 4] if code % 2 == 0 else midst
    return VQText(network, Decoder(config(), vocabulary()))


def toy_windows() -> SimpleNamespace:
    signal, label, _ = windows(12)
    return SimpleNamespace(signal=signal, label=label, labels=["shaking", "whirling"])


def test_a_code_that_is_unsure_is_unknown_and_not_guessed(model: VQText) -> None:
    found = describe_codes(model, toy_windows(), np.arange(12), 0.6)  # type: ignore[arg-type]
    for code in found:
        if code.index % 2:
            assert code.name == UNKNOWN_NAME and set(code.sequence) == {UNKNOWN_NAME}
            assert code.confidence is not None and code.confidence < 0.6
        else:
            first = code.index // 2
            assert code.sequence == tuple(ANCHORS[(first + s) % 4] for s in range(len(code.sequence)))
            assert code.name in code.sequence and code.runner_up not in code.sequence
    guessing = describe_codes(model, toy_windows(), np.arange(12), 0.0)  # type: ignore[arg-type]
    assert all(code.name != UNKNOWN_NAME for code in guessing)


def test_usage_labels_and_agreement_are_counted_in_the_windows_that_were_given(model: VQText) -> None:
    found = describe_codes(model, toy_windows(), np.array([0, 2, 4]), 0.3)  # type: ignore[arg-type]
    assert sum(code.usage for code in found) == pytest.approx(1)
    for code in found:
        assert (code.purity is None) == (code.agreement is None) == (code.usage == 0)
        if code.usage:
            assert set(code.labels) == {"shaking"} and 0 < code.mean_duration_s <= 4
            assert code.agreement <= code.purity + 1e-9 and len(code.decoded) == len(code.sequence)


def test_the_decoding_is_asked_in_the_middle_of_each_sub_step() -> None:
    tokens = SimpleNamespace(
        code=np.array([[1, 0, -1]]), t=np.array([[0.0, 0.5, 0.9]]), l=np.array([[0.5, 0.5, 0.1]])
    )
    anchor = np.array([[2, 2, 0, 0, -1, -1, -2, -2]])  # two names, then unknown, then outside the window
    count = decoded_names(tokens, anchor, codes=2, substeps=2, anchors=3)  # type: ignore[arg-type]
    assert count[1].tolist() == [[0, 0, 1, 0], [1, 0, 0, 0]]
    assert count[0].tolist() == [[0, 0, 0, 1], [0, 0, 0, 0]]


def test_tokens_of_a_window_are_told_in_order_with_both_names(model: VQText) -> None:
    signal = windows(3)[0]
    told = token_names(model, signal, np.array([1]), 0.6)
    substeps = config().substeps
    assert len(told) == config().tokens * substeps
    assert {token["decoded"] for token in told} <= {*ANCHORS, UNKNOWN_NAME}
    for token in told:
        assert (token["name"] == UNKNOWN_NAME) == (token["code"] % 2 == 1)
        assert 0 <= token["start_s"] < token["end_s"] <= 4.001


def test_the_table_says_what_is_unknown(model: VQText) -> None:
    found = describe_codes(model, toy_windows(), np.arange(12), 0.6)[:2]  # type: ignore[arg-type]
    shown = {ANCHORS[0]: "손을 쉰다"}
    entries = [_entry(replace(code, usage=0.5, mean_duration_s=0.2), shown) for code in found]
    answer = {
        "run": "r",
        "model": "seed-0",
        "folds": 3,
        "code_confidence": 0.6,
        "agreement": 0.5,
        "unused": 1,
    }
    said = lines({**answer, "codes": entries})
    assert said[0] == "r/seed-0: 2 codes in use, 1 never" and "first one's" in said[1]
    assert said[2].split()[:3] == ["code", "name", "sure"]
    assert "손을 쉰다 → hand shakes" in said[3] and said[4].split()[:2] == ["1", UNKNOWN_NAME]
    assert "0.50" in said[5] and "0.6" in said[6]
