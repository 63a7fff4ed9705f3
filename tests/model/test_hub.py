"""A user would lose: the model that others published, and the token that only the hub may know."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from hub_server import TOKEN, HubServer
from toy import OF_STATE, config, data, vocabulary, windows

from vqtext.errors import ArtifactError, HubError, UsageError, VQTextError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText
from vqtext.model.network.network import Network

NAME = "me/toy"


def made(seed: int = 0) -> VQText:
    torch.manual_seed(seed)
    return VQText(Network(config(), data().anchors, OF_STATE), Decoder(config(), vocabulary()))


@pytest.fixture(scope="module")
def model() -> VQText:
    return made()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("it went online")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def got(tmp_path: Path, name: str = NAME, **more) -> VQText:
    return VQText.from_pretrained(name, cache_dir=tmp_path / "hub", **more)


def test_what_was_pushed_comes_back_the_same(model, hub, tmp_path):
    first = model.push_to_hub(NAME, token=TOKEN, message="the first")
    assert first.startswith(f"{hub.url}/{NAME}/commit/")
    other = made(1)
    other.push_to_hub(NAME, token=TOKEN)
    signal = windows(3)[0]
    for wanted, revision in ((other, None), (model, first.rpartition("/")[2])):
        found = got(tmp_path, revision=revision)
        assert np.array_equal(found.predict_proba(signal), wanted.predict_proba(signal))
    files = {name for files in hub.repos[NAME].values() for name in files}
    assert files == {"model.safetensors", "config.json", "anchors.json", "README.md"}
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    sent = [content for files in hub.repos[NAME].values() for content in files.values()]
    assert len(written) > 3 and not any(TOKEN.encode() in content for content in written + sent)
    asked = len(hub.asked)
    got(tmp_path, revision=first.rpartition("/")[2])
    assert not [what for what in hub.asked[asked:] if "resolve" in what], "what is here is not fetched again"


def test_a_folder_never_goes_online(model, tmp_path, monkeypatch, no_network):
    monkeypatch.chdir(tmp_path)
    model.save_pretrained("me/toy", license="mit", repo_id=NAME)
    for folder in ("me/toy", Path("me/toy"), str(tmp_path / "me/toy"), "./me/toy/"):
        assert VQText.from_pretrained(folder).folder is not None
    for folder in (Path("no/such"), "no/such/place", "./nosuch", "~/nosuch", "nosuch"):
        with pytest.raises(ArtifactError):
            VQText.from_pretrained(folder)
    with pytest.raises(ArtifactError, match="me/typo"):
        VQText.from_pretrained("me/typo")
    with pytest.raises(UsageError, match="'main'"):
        VQText.from_pretrained("me/toy", revision="main")


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (
            401,
            {"error": f"{TOKEN} is not valid"},
            "answers 401, '… is not valid'",
        ),
        (403, {"error": "read only"}, "answers 403, 'read only'"),
        (404, {}, f"shows no {NAME}: look at its name"),
        (429, {}, "answers 429: try again later"),
        (503, {}, "answers 503: try again later"),
        (200, "<html>log in to this network</html>", "answers as no hub does"),
    ],
)
def test_a_hub_that_refuses_is_one_line_without_the_token(model, hub, tmp_path, status, body, says):
    hub.commit(NAME, {"config.json": b"{}"})
    hub.status, hub.body = status, body.encode() if isinstance(body, str) else body
    for ask in (lambda: got(tmp_path, token=TOKEN), lambda: model.push_to_hub(NAME, token=TOKEN)):
        with pytest.raises(HubError, match=re.escape(says)) as error:
            ask()
        assert TOKEN not in str(error.value) and "\n" not in str(error.value)


def test_a_hub_that_wants_to_know_who_asks(model, hub, tmp_path, monkeypatch):
    hub.is_private = True
    for ask in (lambda: got(tmp_path), lambda: model.push_to_hub(NAME)):
        with pytest.raises(HubError, match=r"me/toy.*HF_TOKEN"):
            ask()
    with pytest.raises(HubError):
        model.push_to_hub(NAME, token=True)
    for token in ("hf_ü", "hf_a\nb"):
        with pytest.raises(HubError):
            model.push_to_hub(NAME, token=token)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    model.push_to_hub(NAME)
    assert got(tmp_path).config == model.config


@pytest.mark.parametrize("name", ["me//toy", "me toy", "-me/toy", "a/b/c"])
def test_no_name_of_a_repository(model, hub, name):
    with pytest.raises(HubError):
        model.push_to_hub(name, token=TOKEN)


def test_a_hub_that_is_away(model, hub, tmp_path, monkeypatch):
    model.push_to_hub(NAME, token=TOKEN)
    got(tmp_path)
    for away, name in (("HF_ENDPOINT", "http://127.0.0.1:9"), (None, "HF_HUB_OFFLINE")):
        if away:
            monkeypatch.setenv(away, name)
        else:
            monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        reason = "127.0.0.1:9 does not answer" if away else "HF_HUB_OFFLINE is set"
        with pytest.warns(UserWarning, match=f"{reason}.*me/toy"):
            assert got(tmp_path).config == model.config
        with pytest.raises(HubError, match=f"{reason}.*me/other"):
            got(tmp_path, "me/other")
        with pytest.raises(HubError, match=f"{reason}.*me/toy"):
            model.push_to_hub(NAME, token=TOKEN)


def test_what_is_no_model_of_this_version_is_told_in_one_line(model, hub, tmp_path):
    model.push_to_hub(NAME, token=TOKEN)
    whole = list(hub.repos[NAME].values())[-1]
    hub.commit("me/bert", {"config.json": b"{}", "model.safetensors": b"large"})
    hub.commit("me/old", {**whole, "config.json": b'{"format": 3}'})
    weights = whole["model.safetensors"]
    hub.commit("me/damaged", {**whole, "model.safetensors": weights[: len(weights) // 2]})
    hub.commit("me/mixed", {**whole, "anchors.json": b"[]"})
    for name, says in {
        "me/bert": "holds no vqtext model: it lacks anchors.json",
        "me/old": "me/old of the hub: config.json has format 3, this version reads 8: name another revision",
        "me/damaged": r"model.safetensors cannot be read .*if only the copy here .*, remove .*me--damaged",
        "me/mixed": "anchors.json is not a JSON object: name another revision",
    }.items():
        with pytest.raises(VQTextError, match=says) as error:
            got(tmp_path, name)
        assert "\n" not in str(error.value) and "vqtext train" not in str(error.value)
    assert "GET me/bert/resolve" not in " ".join(hub.asked), "weights of others may be large"
    with pytest.raises(HubError, match=r"me/toy.*revision"):
        got(tmp_path, revision="v9")


def test_a_download_that_breaks_off_leaves_nothing_that_is_taken_for_a_model(
    model, hub, tmp_path, monkeypatch
):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)  # between its tries
    model.push_to_hub(NAME, token=TOKEN)
    hub.cut = True
    with pytest.raises(HubError):
        got(tmp_path)
    hub.cut = False
    assert got(tmp_path).config == model.config


def test_a_place_that_cannot_be_written_keeps_what_it_had(model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ArtifactError):
        model.save_pretrained(tmp_path / "file")
    model.save_pretrained(tmp_path / "model")
    before = {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vqtext.model.load._write_json", full)
    with pytest.raises(ArtifactError, match="No space left"):
        made(1).save_pretrained(tmp_path / "model")
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "model").iterdir()}


def test_a_card_that_somebody_wrote_stays(model, tmp_path):
    card = tmp_path / "README.md"
    model.save_pretrained(tmp_path)
    model.save_pretrained(tmp_path, license="mit")
    assert 'license: "mit"' in card.read_text()
    for change in (
        card.read_text().replace("## Limits", "## My limits"),
        "mine",
        "\n<!-- written by vqtext: ",
    ):
        card.write_text(change)
        with pytest.raises(UsageError, match=r"README.md"):
            model.save_pretrained(tmp_path)
        model.save_pretrained(tmp_path, card=False)
        assert card.read_text() == change
    assert json.loads((tmp_path / "config.json").read_text())["rate_hz"] == 20
