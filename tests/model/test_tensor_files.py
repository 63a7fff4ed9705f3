"""A user would lose: the reason why nothing was written, and with it the way out."""

from __future__ import annotations

import errno

import pytest
import torch
from torch.multiprocessing import ProcessRaisedException
from toy import config, data

from vqtext.errors import TrainingError
from vqtext.model.network.network import Network
from vqtext.model.tensor_files import save_safetensors, save_torch
from vqtext.model.training.ddp import no_process_stays
from vqtext.model.training.fit import fit
from vqtext.settings.schema import TrainSettings

resource = pytest.importorskip("resource", reason="limits of POSIX")


@pytest.fixture
def small_files():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("save", [save_torch, save_safetensors])
def test_tensors_that_find_no_room_say_why(small_files, tmp_path, save):
    """torch says "unexpected pos 2082368 vs 2082256", safetensors something of its own."""
    with pytest.raises(OSError) as error:
        save({"a": torch.zeros(100_000)}, tmp_path / "file")
    assert error.value.errno == errno.EFBIG


def test_a_process_of_the_training_says_why(tmp_path):
    trace = "\n\nTraceback …\nOSError: [Errno 28] No space left on device\n"
    with pytest.raises(OSError, match="No space left") as error, no_process_stays():
        raise ProcessRaisedException(trace, 0, 1)
    assert error.value.errno == errno.ENOSPC


def test_full_shared_memory_says_what_to_do(tmp_path, monkeypatch):
    """Containers have 64 MB of it; torch tells of a file that nobody knows."""

    def full(*_, **__):
        raise RuntimeError("unable to write to file </torch_1_2_0>: No space left on device (28)")

    monkeypatch.setattr(Network, "forward", full)
    with pytest.raises(TrainingError, match=r"/dev/shm.*train\.workers"):
        fit(config(), data(), TrainSettings(epochs=1), 0.5, 0, tmp_path, lambda *_: None)
