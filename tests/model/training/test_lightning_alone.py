"""A user would lose: a model that never saw the test people, to a file that Lightning found in the folder."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
import torch
from test_training_resume import SETTINGS, same, train

from vqtext.model.tensor_files import START
from vqtext.model.training.lightning_alone import lightning, rank_zero_only

CLUSTERS = {
    "slurm": {
        "SLURM_JOB_ID": "7",
        "SLURM_JOB_NAME": "train",
        "SLURM_NTASKS": "2",
        "SLURM_PROCID": "1",
        "SLURM_LOCALID": "1",
        "SLURM_NODEID": "1",
        "SLURM_NODELIST": "n[1-2]",
    },
    "torchrun": {
        "RANK": "1",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "2",
        "GROUP_RANK": "1",
        "LOCAL_WORLD_SIZE": "1",
        "MASTER_ADDR": "nowhere",
        "MASTER_PORT": "1",
        "TORCHELASTIC_RUN_ID": "1",
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    },
    "jsrun": {
        "LSB_JOBID": "7",
        "LSB_DJOB_RANKFILE": "/nowhere",
        "JSM_NAMESPACE_RANK": "1",
        "JSM_NAMESPACE_LOCAL_RANK": "1",
        "JSM_NAMESPACE_SIZE": "2",
    },
    "settings of Lightning's": {
        "PL_TRAINER_LIMIT_TRAIN_BATCHES": "1",
        "PL_TRAINER_MAX_TIME": "00:00:00:00",
        "PL_GLOBAL_SEED": "5",
    },
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A training that nothing is around, and its checkpoint."""
    folder = tmp_path_factory.mktemp("plain")
    return *train(folder), folder / "checkpoints" / "last.ckpt"


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS.keys())
def test_a_training_is_the_same_whatever_is_around(plain, elsewhere, tmp_path, monkeypatch, cluster):
    """Foreign checkpoints lie where Lightning looks for them."""
    network, scores, foreign = plain
    run = tmp_path / "run"
    for place in (elsewhere, run, run / "checkpoints"):
        place.mkdir(exist_ok=True)
        shutil.copy(foreign, place / "hpc_ckpt_1.ckpt")
        shutil.copy(foreign, place / "hpc_ckpt_2.ckpt")
    for name, value in cluster.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rank_zero_only, "rank", 1)  # as where the variables were there at the import
    again, same_scores = train(run)
    assert same_scores == scores and same(again.state_dict(), network.state_dict())
    assert {path.name for path in elsewhere.iterdir()} == {"hpc_ckpt_1.ckpt", "hpc_ckpt_2.ckpt"}
    own = {path.name for path in run.iterdir()} - {"hpc_ckpt_1.ckpt", "hpc_ckpt_2.ckpt", "checkpoints"}
    assert len(own) == 3 and {"metrics.csv", START} <= own, "and TensorBoard's; no version_0, no hparams"


def test_an_installed_package_trains_nothing(plain, tmp_path, monkeypatch):
    class Meddler(lightning.Callback):
        def on_train_batch_start(self, trainer, module, *_):
            with torch.no_grad():
                next(module.network.parameters()).zero_()

    connector = "lightning.pytorch.trainer.connectors.callback_connector._load_external_callbacks"
    monkeypatch.setattr(connector, lambda group: [Meddler()])
    assert same(train(tmp_path)[0].state_dict(), plain[0].state_dict())


@pytest.mark.parametrize("name", ["~", "registry:a", "a::b", "$HOME"])
def test_a_folder_is_taken_by_its_name(elsewhere, name):
    """Lightning and fsspec read homes, registries, protocols and variables into it."""
    for _ in range(2):  # and go on from there
        train(Path(name) / "run", settings=SETTINGS.model_copy(update={"epochs": 1}))
    assert [path.name for path in elsewhere.iterdir()] == [name]
    assert list((elsewhere / name / "run").glob("events.*"))


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="Windows has no such signal")
def test_signals_stay_the_callers(tmp_path, monkeypatch):
    """Lightning would save and requeue at one, and swallow the other."""
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    numbers = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    during = []
    train(tmp_path, lambda *_: during.append([signal.getsignal(number) for number in numbers]))
    assert during and all(now == before for now in during)
    assert [signal.getsignal(number) for number in numbers] == before
