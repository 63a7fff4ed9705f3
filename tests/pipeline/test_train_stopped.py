"""A user would lose: a training to a cluster's warning or a full disk, or the trust in what goes on then."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import contextmanager

import pytest
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.console import exit_codes
from vqtext.errors import ArtifactError
from vqtext.model.training import checkpoint
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import TASKS, Train

resource = pytest.importorskip("resource", reason="limits and mounts of POSIX")


def weights(settings):
    return {
        path.relative_to(settings.cache).as_posix(): path.read_bytes()
        for path in sorted(settings.cache.glob("runs/default/**/model.safetensors"))
    }


def left(settings):
    """What is neither a run, nor a lock, nor work to go on with."""
    found = settings.cache.rglob("*")
    return [path.name for path in found if path.suffix == ".part" or ".tmp-" in path.name]


def test_a_warning_of_the_cluster_ends_a_training_that_goes_on_to_the_same_models(
    prepared,  # noqa: F811
    heard,
    monkeypatch,
    tmp_path,
    capsys,
):
    """In the first of two folds; the others learned of it once, and the working folder was written to."""
    settings = prepared(study(), folds=2, refit=False)
    run(Train(settings, heard))
    whole = weights(settings)
    assert len(whole) == 2
    shutil.rmtree(settings.cache / "runs")
    for name, value in {"SLURM_NTASKS": "1", "SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "job"}.items():
        monkeypatch.setenv(name, value)
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)

    def warned(self, trainer, module):
        if trainer.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGUSR1)

    before = {name: signal.getsignal(getattr(signal, name)) for name in exit_codes.SIGNALS}
    try:
        with monkeypatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setattr(checkpoint, "SAVE_EVERY_S", 0.0)
            patch.setattr(checkpoint.Progress, "on_train_epoch_start", warned, raising=False)
            exit_codes.run_guarded(lambda: run(Train(settings, heard)))
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
    assert end.value.code == 128 + signal.SIGUSR1
    said = "stopped by SIGUSR1; what was made before is whole, and the same command goes on\n"
    assert capsys.readouterr().err == said
    assert not (settings.cache / "runs/default").exists() and not left(settings)
    run(Train(settings, heard))
    assert "fold-0/seed-0: going on where it was stopped" in heard.said
    assert weights(settings) == whole and not list(here.iterdir())


@contextmanager
def small_files(folder, room):
    """No file may grow beyond so many bytes: the same as a full disk, but for its name."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def small_disk(folder, room):
    """A file system of so many bytes, which gets larger afterwards."""
    mount = shutil.which("mount")
    how = ["-t", "tmpfs", "-o", f"size={room}", "none", folder]
    if mount is None or subprocess.run([mount, *how], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield "No space left on device"
    finally:
        subprocess.run([mount, "-o", "remount,size=100m", folder], check=True)


@pytest.mark.parametrize(
    ("kind", "rooms"), [(small_files, (100, 40_000)), (small_disk, (4096, 200_000, 300_000))]
)
def test_a_full_disk_is_one_line_and_the_training_goes_on(prepared, heard, capfd, kind, rooms):  # noqa: F811
    """It fills with the numbers for TensorBoard, with a checkpoint, with the model."""
    settings = prepared(study(), test_subjects=["1"], refit=False)
    run(Train(settings, heard))
    whole = weights(settings)
    runs = settings.cache / "runs"
    shutil.rmtree(runs)
    runs.mkdir()
    try:
        for room in rooms:
            with kind(runs, room) as why, pytest.raises(ArtifactError) as told:
                run(Train(settings, heard), force=True)
            said = str(told.value)
            assert said.startswith(str(runs / "default")) and why in said and "\n" not in said
            assert not left(settings) and not weights(settings)
            assert "Traceback" not in capfd.readouterr().err
        run(Train(settings, heard))
        assert weights(settings) == whole
    finally:
        for _ in rooms:
            subprocess.run(["umount", runs], check=False, capture_output=True)


def test_tasks_of_a_launcher_are_told_that_they_share_nothing(prepared, heard, monkeypatch):  # noqa: F811
    """With torchrun both would be taken for halves of one training."""
    settings = prepared(study(), test_subjects=["1"])
    for name in TASKS:
        monkeypatch.delenv(name, raising=False)
    Train(settings, heard).ensure_inputs()
    assert not heard.warned
    monkeypatch.setenv("WORLD_SIZE", "2")
    Train(settings, heard).ensure_inputs()
    assert len(heard.warned) == 1 and "WORLD_SIZE" in heard.warned[0]
