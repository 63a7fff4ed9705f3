"""Lightning, imported without the text models that come along with it, and trained with alone.

Lightning imports torchmetrics, whose text metrics import transformers wherever it is installed: seconds of
waiting, and a training that breaks where transformers does. While Lightning is imported, its check for
transformers says no.

Lightning also acts on variables of a cluster, files in the working folder, signals and installed packages.
Here it does not: a training follows its settings alone, wherever it runs.
"""

from __future__ import annotations

import inspect
import os
import signal
from pathlib import Path
from typing import Any

from lightning_utilities.core.imports import RequirementCache

_found = RequirementCache.__bool__


def _found_but_no_text(requirement: RequirementCache) -> bool:
    return "transformers" not in str(requirement.requirement) and _found(requirement)


RequirementCache.__bool__ = _found_but_no_text  # type: ignore[assignment, method-assign]
try:
    import lightning
    from lightning.fabric.plugins.environments.lightning import LightningEnvironment, find_free_network_port
    from lightning.fabric.utilities.exceptions import MisconfigurationException
    from lightning.fabric.utilities.rank_zero import rank_zero_only
    from lightning.pytorch.trainer.connectors.signal_connector import _SignalConnector
finally:
    RequirementCache.__bool__ = _found  # type: ignore[method-assign]

__all__ = ["Events", "MisconfigurationException", "OneMachine", "Trainer", "lightning"]


class OneMachine(LightningEnvironment):
    """All processes of a training are on this machine, and the training starts them.

    The environments of SLURM, torchrun, LSF, MPI and Kubeflow are not used: one task is one training. With
    them Lightning would wait for processes that are never started, refuse numbers of tasks that have nothing
    to do with ``train.devices``, and under SLURM requeue the job by itself.
    """

    @property
    def main_port(self) -> int:
        """One that is free, and not that of another training under the same launcher."""
        if self._main_port == -1:
            self._main_port = find_free_network_port()
        return self._main_port

    @property
    def creates_processes_externally(self) -> bool:
        return False

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    def node_rank(self) -> int:
        return 0

    def teardown(self) -> None:
        """Lightning's would take WORLD_SIZE out of the environment, which may be another program's."""


class _NoSignals(_SignalConnector):
    """Signals keep the handlers of the program that trains (see `vqtext.console.exit_codes`).

    Lightning's own handlers save ``hpc_ckpt_N.ckpt`` into the working folder and requeue the job at SIGUSR1,
    and at SIGTERM wait for the end of a step, or for other processes for ever.
    """

    def __init__(self, trainer: lightning.Trainer) -> None:
        super().__init__(trainer)
        # Ctrl-C is ignored from the first one on, until the training is torn down
        self._original_handlers = {signal.SIGINT: signal.getsignal(signal.SIGINT)}

    def register_signal_handlers(self) -> None:
        pass


class Trainer(lightning.Trainer):
    """Lightning's trainer, configured by its arguments alone.

    Raises:
        ValueError, RuntimeError, ImportError, MisconfigurationException: as Lightning's.
    """

    def __init__(self, plugins: list[Any], callbacks: list[Any], **how: Any) -> None:
        # At its import Lightning took RANK or SLURM_PROCID for the number of a process of its own, and all
        # but the first write no logs. Those that we start get theirs from `OneMachine`.
        rank_zero_only.rank = 0  # type: ignore[attr-defined]
        # The function that is wrapped: its wrapper takes PL_TRAINER_… from the environment for arguments.
        inspect.unwrap(lightning.Trainer.__init__)(
            self,
            plugins=[*plugins, OneMachine()],
            callbacks=[*callbacks],
            # No folder, so that nothing is written there, and no hpc_ckpt_N.ckpt found there is gone on from.
            default_root_dir=os.devnull,
            **how,
        )
        # none of installed packages, which may add theirs; in the order that Lightning has put them in
        self.callbacks: list[Any] = [one for one in self.callbacks if one in callbacks]
        self._signal_connector = _NoSignals(self)


class Events(lightning.pytorch.loggers.TensorBoardLogger):
    """Numbers for TensorBoard, in exactly this folder.

    Lightning's own would number its runs, name them after a SLURM job, put variables of the environment into
    the path where it holds a ``$``, and write an empty ``hparams.yaml``.
    """

    def __init__(self, folder: Path, **how: Any) -> None:
        super().__init__(folder, name="", version="", **how)
        self.folder = str(folder)

    @property
    def log_dir(self) -> str:
        return self.folder

    def save(self) -> None:
        pass
