"""Where the numbers of a training go besides ``metrics.csv``: Lightning's loggers, by name.

All write into the training's own folder and stay offline, unless `TrainSettings.logger_online` is set.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from vqtext.errors import TrainingError, UsageError
from vqtext.model.hub import reachable
from vqtext.model.messages import one_line
from vqtext.settings.schema import TrainSettings

PROJECT = "vqtext"
QUIET = {
    "MLFLOW_ALLOW_FILE_STORE": "true",  # else it needs a database
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "WANDB_ERROR_REPORTING": "false",  # to its makers
    "WANDB_SILENT": "true",
}


def check_installed(settings: TrainSettings) -> None:
    """Raise a UsageError for a logger whose package is not there, before anything is trained."""
    for name in settings.logger:
        if name in ("wandb", "mlflow") and name not in sys.modules and find_spec(name) is None:
            raise UsageError(f"{name} is not installed: pip install 'vqtext[{name}]'")


@contextmanager
def logging_to(
    settings: TrainSettings, name: str, folder: Path, resumed_at: int | None
) -> Iterator[list[Any]]:
    """The loggers that are set, as Lightning takes them.

    Args:
        name: of the training, for people.
        folder: what is logged lies here.
        resumed_at: step that a training which was stopped goes on from, in the same logs; None begins anew.

    Raises:
        UsageError: a package is not installed, or the address of its server is not set.
        TrainingError: a server does not answer or refuses.
    """
    check_installed(settings)
    with ExitStack() as ends:
        ends.enter_context(patch.dict(os.environ, QUIET))  # for processes that are started too
        made: list[Any] = []
        for key in dict.fromkeys(settings.logger):
            if key == "tensorboard":
                from vqtext.model.training.lightning_alone import Events

                made.append(Events(folder, purge_step=resumed_at))
            elif key in _KINDS:
                id_file = folder / f"{key}.id"  # a resumed run goes on under its number
                resumes = resumed_at is not None and id_file.exists()
                run_id = (resumes and id_file.read_text(encoding="utf-8")) or None
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    logger = _KINDS[key](name, folder, run_id, settings.logger_online)
                    if key == "wandb":
                        ends.push(partial(_end, logger.experiment, folder))
                    id_file.write_text(logger.version, encoding="utf-8")
                    if run_id is None:  # a resumed run has them
                        logger.log_hyperparams(settings.model_dump(mode="json"))
                except Exception as error:
                    if (problem := failed(error)) is None:
                        raise
                    raise problem from error
                made.append(logger)
        yield made


def _end(run: Any, folder: Path, kind: type[BaseException] | None, *_: Any) -> None:
    """Finish a run of wandb, which Lightning never does. Its last numbers are in its file once its server
    process is gone, which serves runs of the caller too."""
    import wandb

    run.finish(exit_code=int(kind is not None))
    if wandb.run is None:
        wandb.teardown()
    for log in folder.glob("wandb/*/logs/*"):  # of the server, for its makers, in the user's home
        if log.is_symlink():
            log.unlink()


def failed(error: BaseException) -> TrainingError | None:
    """The error for one that a logger's package raised; None for any other."""
    package = type(error).__module__.partition(".")[0]
    if package not in ("wandb", "mlflow"):
        return None
    return TrainingError(
        f"{package} cannot log ({one_line(error)}): leave it out of train.logger, and training goes on"
    )


def _wandb(name: str, folder: Path, run_id: str | None, online: bool) -> Any:
    if online:
        _check(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    import wandb
    from lightning.pytorch.loggers import WandbLogger

    run = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        name=name,
        dir=folder,
        id=run_id or secrets.token_hex(4),
        resume="allow",
        reinit="create_new",  # a run that the caller has begun is the caller's
        mode="online" if online else "offline",
        settings=wandb.Settings(console="off", symlink=False, disable_git=True, save_code=False),
    )
    run.define_metric("trainer/global_step")
    run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
    return WandbLogger(experiment=run, version=run.id, save_dir=folder)


def _mlflow(name: str, folder: Path, run_id: str | None, online: bool) -> Any:
    server = os.environ.get("MLFLOW_TRACKING_URI", "") if online else (folder / "mlruns").as_uri()
    if not server:
        raise UsageError("train.logger_online: say where mlflow's server is, in MLFLOW_TRACKING_URI")
    _check(server)
    from lightning.pytorch.loggers import MLFlowLogger

    project = os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT)
    return MLFlowLogger(project, run_name=name, tracking_uri=server, run_id=run_id)


_KINDS: dict[str, Callable[[str, Path, str | None, bool], Any]] = {"wandb": _wandb, "mlflow": _mlflow}


def _check(server: str) -> None:
    """Raise where a server does not answer: loggers would retry for minutes."""
    if server.startswith(("http://", "https://")) and not reachable(server):
        raise TrainingError(
            f"{server.rpartition('@')[2]} does not answer: unset train.logger_online to log here"
        )
