"""A user would lose: tokens in a program without torch that are those of the model."""

import json

import numpy as np
import pytest
import torch
from toy import ANCHORS, CHANNELS, OF_STATE, RATE, STEPS, config, vocabulary, windows

import vqtext
from vqtext.errors import UsageError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.export_onnx import OUTPUTS
from vqtext.model.load import VQText
from vqtext.model.network.network import Network
from vqtext.pipeline.convert import export

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("channels", ["joint", "independent"])
def test_the_graph_says_what_the_model_says_of_any_number_of_windows(tmp_path, channels):
    torch.manual_seed(0)
    cfg = config(channels=channels)
    model = VQText(
        Network(cfg, torch.nn.functional.normalize(torch.randn(4, 12), dim=-1), OF_STATE),
        Decoder(cfg, vocabulary()),
    )
    model.save(tmp_path / "model")
    answer = export(str(tmp_path / "model"), "onnx", str(tmp_path / "model.onnx"))
    assert json.loads(json.dumps(answer))["outputs"] == list(OUTPUTS)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    metadata = {key: json.loads(text) for key, text in session.get_modelmeta().custom_metadata_map.items()}
    assert metadata.pop("vqtext") == vqtext.__version__
    assert metadata == {
        "classes": ["shaking", "whirling"],
        "channels": [channel.to_dict() for channel in CHANNELS],
        "rate_hz": RATE,
        "steps": STEPS,
        "window_s": 4.0,
        "phrases": list(ANCHORS),
    }, "without it nobody knows which logit is which class, or what the rows are"
    for count in (1, 7):
        signal, _, _ = windows(count)
        signal[0, 0, :30] = np.nan
        expected = model.tokenize(signal)
        for name, found in zip(OUTPUTS, session.run(None, {"signal": signal}), strict=True):
            assert np.allclose(found, getattr(expected, name), atol=1e-3), name


def test_without_its_packages_the_error_says_what_to_install(tmp_path, monkeypatch):
    cfg = config()
    VQText(Network(cfg, torch.eye(4, 12), OF_STATE), Decoder(cfg, vocabulary())).save(tmp_path / "model")
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"vqtext\[onnx\]"):
        export(tmp_path / "model", "onnx", tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()
