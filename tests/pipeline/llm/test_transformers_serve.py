"""A server that nobody here wrote: ``transformers serve``, with a tiny random model and no network.

It ignores ``response_format`` without a word to the client, and its model says whatever it likes.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from sysconfig import get_path

import pytest
from llm.asked import ask, question

from vqtext.pipeline.llm.question import Failure

MISSING = [name for name in ("fastapi", "uvicorn", "accelerate") if not importlib.util.find_spec(name)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f'no {", ".join(MISSING)}: pip install "transformers[serving]"'),
]
PATIENCE_S = 120


def save_tiny_model(folder: Path) -> None:
    """A random language model over bytes. Half of all bytes end its reply, so that replies are short."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    signs = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
    tokenizer = Tokenizer(models.BPE(vocab={sign: i for i, sign in enumerate(signs)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: "
    config = LlamaConfig(
        vocab_size=len(signs),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=0,
        eos_token_id=list(range(1, len(signs), 2)),
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    fast.save_pretrained(folder)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny_model(folder)
    return folder


@pytest.fixture(scope="module")
def url(model: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(get_path("scripts")) / "transformers"), "serve", str(model), "--device", "cpu"]
    log = model / "log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env={**os.environ, "HF_HUB_OFFLINE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.kill()
        server.wait()


def wait_for(health: str, server: subprocess.Popen, log: Path) -> None:
    past_proxies = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and server.poll() is None:
        try:
            past_proxies.open(health, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-2000:]}")


def journaled(folder: Path) -> list[tuple]:
    with sqlite3.connect(folder / "journal.sqlite") as journal:
        return journal.execute("SELECT finish, reply_format, model, reply_tokens FROM replies").fetchall()


def test_free_text_is_sent_back_once_and_then_said(url, model, tmp_path):
    settings = {"base_url": url, "model": str(model), "timeout_s": PATIENCE_S}
    first = ask(tmp_path, settings, question("up"), question("down"))
    for failure in first:
        assert isinstance(failure, Failure)
        assert failure.reason.startswith("the reply is ") and "\n" not in failure.reason
    kept = journaled(tmp_path)
    assert 2 <= len(kept) <= 4 and {reply_format for _, reply_format, _, _ in kept} == {"json_schema"}
    assert all(str(model) in name and count > 0 for _, _, name, count in kept)
    assert ask(tmp_path, settings, question("up"), question("down")) == first
    assert journaled(tmp_path) == kept


def test_a_reply_that_is_cut_off(url, model, tmp_path):
    settings = {"base_url": url, "model": str(model), "timeout_s": PATIENCE_S, "max_tokens": 1}
    (failure,) = ask(tmp_path, settings)
    assert "cut off by llm.max_tokens = 1" in failure.reason
    assert [(finish, count) for finish, _, _, count in journaled(tmp_path)] == [("length", 1)]
