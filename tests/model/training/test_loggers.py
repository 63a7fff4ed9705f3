"""A user would lose: the place where they look at all trainings, or the promise that none goes online."""

from __future__ import annotations

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_training_resume import SETTINGS, train

from vqtext.errors import TrainingError, UsageError
from vqtext.model.training import loggers

needs_both = pytest.mark.skipif(
    not (find_spec("wandb") and find_spec("mlflow")), reason="needs vqtext[wandb,mlflow]"
)
TRAIN = """
import sys, time
sys.path[:0] = sys.argv[2:]
from pathlib import Path
from test_loggers import asked_for, train
from test_training_resume import Stopped, keeping
keeping.SAVE_EVERY_S = 0.0
def stop(done, *_):
    if done > 2:
        raise Stopped
try:
    train(Path(sys.argv[1]), stop, asked_for("mlflow", "wandb"))
except Stopped:
    train(Path(sys.argv[1]), settings=asked_for("mlflow", "wandb", accelerator="cpu"))
time.sleep(1)  # what asks in the background has begun
"""


def asked_for(*names, **more):
    return SETTINGS.model_copy(update={"logger": list(names), "epochs": 1, **more})


@pytest.fixture
def way_out():
    """A proxy: what goes online asks it, and is listed."""
    requests = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            requests.append(self.path)
            self.send_error(502)

        do_GET = do_POST = do_HEAD = do_PUT = do_CONNECT

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()


@needs_both
@pytest.mark.slow
def test_a_training_that_goes_on_goes_on_in_its_logs_and_stays_offline(python, tmp_path, way_out):
    """In a process of its own: mlflow asks its makers when it is imported, and not under pytest."""
    proxy, requests = way_out
    folder = tmp_path / "a #run"
    variables = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), proxy)
    variables |= dict.fromkeys(("no_proxy", "NO_PROXY", "CI", "PYTEST_CURRENT_TEST", "DO_NOT_TRACK"), "")
    variables |= {
        "MLFLOW_TRACKING_URI": proxy,
        "WANDB_DIR": str(tmp_path / "elsewhere"),
        "WANDB_MODE": "online",
    }
    places = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    process = python(TRAIN, str(folder), *places, **variables)
    output = process.communicate()
    assert process.returncode == 0 and output == ("", "") and requests == []
    (run,) = (path.parent for path in folder.glob("mlruns/*/*/meta.yaml"))
    assert len((run / "metrics/train/loss").read_text().splitlines()) == 1  # one epoch
    assert (run / "params/learning_rate").read_text() == str(SETTINGS.learning_rate)
    assert "status: 3" in (run / "meta.yaml").read_text(), "it is over"
    parts = [*folder.glob("wandb/offline-run-*/run-*.wandb")]
    assert len(parts) == 2 and len({part.name for part in parts}) == 1, "both of one number"
    assert b"train/loss" in max(parts).read_bytes() and not (tmp_path / "elsewhere").exists()
    assert not [path for path in folder.rglob("*") if path.is_symlink()], "a run is copied"
    assert not list(folder.glob("events.*"))


def test_the_usual_logs_and_none(tmp_path):
    for name, chosen in (("usual", ("csv", "tensorboard")), ("none", ("csv",))):
        train(tmp_path / name, settings=asked_for(*chosen))
    names = [{path.name.partition(".out")[0] for path in (tmp_path / x).iterdir()} for x in ("usual", "none")]
    assert names == [
        {"metrics.csv", "checkpoints", "start.safetensors", "events"},
        {"metrics.csv", "checkpoints", "start.safetensors"},
    ]


@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_package_that_is_missing_is_said_before_anything_is_trained(tmp_path, monkeypatch, name):
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr(loggers, "find_spec", lambda found: None)
    with pytest.raises(UsageError, match=rf"vqtext\[{name}\]"):
        train(tmp_path / "run", settings=asked_for("csv", name))
    assert not list(tmp_path.rglob("*.ckpt"))


@needs_both
def test_a_server_that_is_away_is_one_line(tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_URI"):
        train(tmp_path, settings=asked_for("mlflow", logger_online=True))
    for name, variable in (("wandb", "WANDB_BASE_URL"), ("mlflow", "MLFLOW_TRACKING_URI")):
        monkeypatch.setenv(variable, "http://me:secret@127.0.0.1:9")
        with pytest.raises(TrainingError, match=r"127.0.0.1:9") as e:
            train(tmp_path, settings=asked_for(name, logger_online=True))
        assert "secret" not in str(e.value)


@needs_both
def test_what_a_logger_refuses_is_one_line():
    from mlflow.exceptions import MlflowException
    from wandb.errors import CommError

    error = loggers.failed(MlflowException("no\nroom"))
    assert str(error) == "mlflow cannot log (no room): leave it out of train.logger, and training goes on"
    assert "wandb" in str(loggers.failed(CommError("no"))) and loggers.failed(ValueError()) is None
