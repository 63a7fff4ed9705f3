"""A user would lose: hours of work to a worker that died, or results that depend on where they came from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from pieces import Piece, dies, dies_once, is_wrong, process, reads_ahead, square

from vqtext.errors import DataError, UsageError, WorkerError
from vqtext.pipeline.executing import choice
from vqtext.pipeline.executing.choice import Auto, choose, choose_for_torch
from vqtext.pipeline.executing.executor import AHEAD, TRIES, Serial
from vqtext.pipeline.executing.processes import Processes
from vqtext.settings.schema import Settings

SQUARES = [number**2 for number in range(8)]


@pytest.fixture(autouse=True)
def find_pieces(monkeypatch):
    """Workers look for modules where this process does."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))


@pytest.fixture
def pieces(tmp_path):
    return [Piece(number, tmp_path / "note") for number in range(8)]


@pytest.fixture(params=["processes", "ray"])
def workers(request):
    if request.param == "processes":
        return Processes(2)
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    return choose(Settings(executor="ray", workers=2))


def test_results_come_in_order_though_a_worker_dies(workers, pieces):
    assert list(workers.map(dies_once, pieces)) == SQUARES
    assert pieces[0].note.exists()


def test_a_poisoned_shard_is_named_and_those_before_it_are_not_lost(workers, pieces):
    done = []
    with pytest.raises(WorkerError, match=rf"piece 3 .*\b{TRIES}\b") as error:
        for result in workers.map(dies, pieces):
            done.append(result)
    assert done == SQUARES[:3] and "\n" not in str(error.value)
    assert TRIES <= len(pieces[0].note.read_text()) <= TRIES + 1


def test_an_error_comes_in_its_turn_as_it_was_raised(workers, pieces):
    done = []
    with pytest.raises(DataError) as error:
        for result in workers.map(is_wrong, pieces):
            done.append(result)
    assert done == SQUARES[:3] and str(error.value) == "piece 3 is wrong"


def test_workers_are_other_processes_without_what_they_do_not_need(workers, pieces):
    told = list(workers.map(process, pieces))
    assert os.getpid() not in {number for number, _ in told}
    assert {name for _, loaded in told for name in loaded} == set()


def test_no_more_than_a_few_shards_are_under_way(pieces):
    """Lost: memory, where results wait faster than they are written down."""
    results = Processes(2).map(reads_ahead, pieces * 4)
    next(results)
    time.sleep(0.2)
    results.close()
    assert len(pieces[0].note.read_text()) <= AHEAD * 2


def test_stopping_early_says_nothing(tmp_path):
    """loky tells of a pool that is killed too early with a traceback of its own thread."""
    code = (
        "from vqtext.pipeline.executing.processes import Processes\n"
        "for _ in range(3):\n"
        "    results = Processes(2).map(abs, range(-50, 0)); next(results); results.close()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_workers_put_away_what_libraries_made_in_them():
    """Python warns of each semaphore that a killed process leaves, such as that of a progress bar."""
    code = (
        "from vqtext.pipeline.executing.processes import Processes\n"
        "def make(number):\n    import builtins, multiprocessing\n"
        "    builtins.kept = multiprocessing.get_context('spawn').RLock()\n"
        "print(list(Processes(2).map(make, range(4))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[None, None, None, None]\n", "")


def test_workers_of_a_killed_head_go_too():
    """Lost: cores and memory, to processes that wait for ever."""
    code = (
        "import os; from operator import call; from vqtext.pipeline.executing.processes import Processes\n"
        "results = Processes(2).map(call, [os.getpid] * 4)\n"
        "print(next(results), flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, "and the workers, which have its stdout too, have closed it"
    assert int(done.stdout) > 0


def test_small_work_stays_in_this_process_and_long_work_leaves_it(pieces, monkeypatch):
    assert {number for number, _ in Auto(2).map(process, pieces)} == {os.getpid()}
    monkeypatch.setattr(choice, "HEAD_START_S", -1.0)
    first, *others = (number for number, _ in Auto(2).map(process, pieces))
    assert first == os.getpid() and os.getpid() not in others
    assert list(Auto(2).map(square, pieces)) == SQUARES


def test_settings_choose():
    assert isinstance(choose(Settings(executor="serial")), Serial)
    assert isinstance(choose(Settings(workers=1)), Serial)
    assert isinstance(choose(Settings(workers=2)), Auto) and choose(Settings(workers=3)).workers == 3
    assert isinstance(choose(Settings(executor="processes", workers=1)), Processes)


def test_torch_computes_with_as_many_threads_here_as_in_a_worker(pieces):
    """Lost: scores that are the same wherever a run was tested. Sums of two threads are not."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for chosen, expected in (({}, 2), ({"executor": "serial"}, 1), ({"workers": 2}, 1)):
            results = choose_for_torch(Settings(**chosen)).map(lambda piece: torch.get_num_threads(), pieces)
            assert next(results) == expected
            results.close()
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_where_no_process_may_be_started(pieces, monkeypatch):
    """Lost: a traceback after seconds of work, without semaphores or in a worker of a pool."""

    def refuse(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("joblib.externals.loky.ProcessPoolExecutor", refuse)
    with pytest.raises(WorkerError, match="--executor serial"):
        list(Processes(2).map(square, pieces))
    monkeypatch.setattr(choice, "current_process", lambda: SimpleNamespace(daemon=True))
    assert isinstance(choose(Settings(workers=2)), Serial)


def test_no_ray_and_no_cluster_are_one_line_at_once(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("vqtext.pipeline.executing.ray_cluster.find_spec", lambda name: None)
        with pytest.raises(UsageError, match=r"vqtext\[ray\]"):
            choose(Settings(executor="ray"))
    from vqtext.pipeline.executing.ray_cluster import check_answers

    with pytest.raises(WorkerError, match=r"RAY_ADDRESS 127\.0\.0\.1:9"):
        check_answers("127.0.0.1:9")
    check_answers(None)
    check_answers("auto")
