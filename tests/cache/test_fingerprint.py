from __future__ import annotations

import hashlib

import pytest

from vqtext.cache.fingerprint import canonical, file_fingerprint, fingerprint
from vqtext.errors import ArtifactError


def test_order_of_keys_does_not_matter_and_order_of_parts_does():
    assert fingerprint({"a": 1, "b": [2]}) == fingerprint({"b": [2], "a": 1})
    assert fingerprint("a", "b") != fingerprint("b", "a")
    assert fingerprint("ab") != fingerprint("a", "b")
    assert len(fingerprint()) == 16


def test_any_text_has_a_fingerprint():
    assert fingerprint("\ud800", "🙂", "\0") != fingerprint("🙂")
    assert canonical({"è": None}).isascii()


def test_nan_has_none():
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint(float("nan"))


def test_files(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_fingerprint(tmp_path / "file") == hashlib.sha256(b"abc").hexdigest()[:16]
    with pytest.raises(ArtifactError):
        file_fingerprint(tmp_path / "missing")
