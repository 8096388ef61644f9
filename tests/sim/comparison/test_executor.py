"""Executors: the same results wherever simulations run, each once, also when who runs them is killed."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from worlds import kernel, profile_of

from isim.compare import Rules, compare
from isim.comparison.executor import Executor, Here, make_executor
from isim.comparison.executor_processes import Processes
from isim.comparison.variants import Variant
from isim.errors import PolicyError, RunError
from isim.experiment import Experiment


def doubled(number: int) -> int:
    return 2 * number


def slowly(task: tuple[str, int]) -> int:
    """Leave a trace of having run, by whom, and take a while."""
    folder, number = task
    with (Path(folder) / f"{number}.txt").open("a") as file:
        file.write(f"{os.getpid()}\n")
    time.sleep(0.3)
    return number * number


def ending(number: int) -> int:
    os._exit(7)


def refused(number: int) -> int:
    raise ConnectionRefusedError("a licence server said no")


def half_writing(folder: str) -> None:
    """Be in the middle of a temporary folder, where no signal finds a chance to remove it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    written = tempfile.mkdtemp(prefix="isim-")
    (Path(folder) / "partial").write_text(written)
    (Path(folder) / "partial").rename(Path(folder) / "ready")  # whoever sees it may interrupt at once
    time.sleep(600)


@pytest.mark.parametrize("executor", [Here(), Processes(2)], ids=["here", "processes"])
def test_every_task_is_answered_once(executor: Executor) -> None:
    with executor as place:
        found = sorted(place.finished(doubled, range(20)))
        assert found == [(number, 2 * number) for number in range(20)]
        assert list(place.finished(doubled, [])) == []


@pytest.mark.parametrize("executor", [Here(), Processes(2)], ids=["here", "processes"])
def test_a_connection_that_a_task_lost_is_not_taken_for_that_to_its_process(executor: Executor) -> None:
    with pytest.raises(ConnectionRefusedError, match="licence"), executor as place:
        list(place.finished(refused, range(2)))


def test_a_process_that_dies_is_an_error() -> None:
    with pytest.raises(RunError, match="executor: a process ended unexpectedly"), Processes(2) as place:
        list(place.finished(ending, range(3)))


def test_what_an_interrupted_process_was_writing_vanishes(tmp_path: Path) -> None:
    """Wherever the interruption finds it, also while it makes or removes its temporary folder."""

    def wait_and_interrupt() -> None:
        deadline_s = time.monotonic() + 60
        while not (tmp_path / "ready").is_file() and time.monotonic() < deadline_s:
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=wait_and_interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt), Processes(1) as place:
        list(place.finished(half_writing, [str(tmp_path)]))
    written = (tmp_path / "ready").read_text()
    assert written
    assert not Path(written).exists()
    assert not [process for process in multiprocessing.active_children() if process.is_alive()]


def variants(folder: Path) -> list[Variant]:
    profile_of({("a", 1): [kernel(10**6)], ("a", 2): [kernel(15 * 10**5)]}).write(folder / "p.parquet", force=True)
    return [
        Variant(
            policy,
            Experiment(
                profile=str(folder / "p.parquet"),
                arrivals={"rate": "600rps", "duration": "400ms"},
                policy=policy,
                slo="5ms",
            ),
        )
        for policy in ("fcfs", "greedy")
    ]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_one_process_and_several_write_the_same_bytes(tmp_path: Path) -> None:
    for name, executor in (("one", Here()), ("two", Processes(2))):
        compare(variants(tmp_path), Rules(4), tmp_path / name, executor=executor)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(contents(tmp_path / "one")) == 1 + 2 * 4 * 4


def test_an_error_of_a_simulation_is_told_as_it_is(tmp_path: Path) -> None:
    first, second = variants(tmp_path)
    (tmp_path / "mine.py").write_text(
        "class Mine:\n    def decide(self, view, event):\n        raise ValueError('no idea')\n"
    )
    mine = second.experiment.model_copy(update={"policy": f"{tmp_path}/mine.py:Mine"})
    with pytest.raises(PolicyError, match="no idea"):
        compare([first, Variant("mine", mine)], Rules(2), tmp_path / "cmp", executor=Processes(2))
    assert not (tmp_path / "cmp").exists()


@pytest.fixture
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[str]]]]:
    """Yield the address of a real scheduler, and its two workers, each a process that nobody restarts."""
    pytest.importorskip("distributed", reason="no dask.distributed here; install isim-serving[cluster]")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        started.append(process)
        return process

    try:
        scheduler = start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        address = awaited(scheduler, r"Scheduler at:\s+tcp://(\S+)")
        workers = [
            start("dask_worker", f"tcp://{address}", "--no-nanny", "--nthreads", "1", "--no-dashboard")
            for _ in range(2)
        ]
        for worker in workers:
            awaited(worker, "Registered to")
        yield address, workers
    finally:
        for process in started:
            process.kill()
            process.wait()


def awaited(process: "subprocess.Popen[str]", pattern: str) -> str:
    """Return what a process says, read from its log; then let the rest of the log pass."""
    log = process.stderr
    assert log is not None
    for line in log:
        if match := re.search(pattern, line):
            threading.Thread(target=log.read, daemon=True).start()
            return match[1] if match.groups() else line
    raise AssertionError(f"it ended with {process.wait()}")


def test_a_worker_killed_in_the_middle_costs_nothing(
    tmp_path: Path, cluster: tuple[str, list["subprocess.Popen[str]"]]
) -> None:
    address, workers = cluster
    victim = workers[0]
    tasks = [(str(tmp_path), number) for number in range(20)]
    found = []
    with make_executor(f"dask://{address}") as place:
        for each in place.finished(slowly, tasks):
            found.append(each)
            if len(found) == 4:
                victim.send_signal(signal.SIGKILL)
    assert sorted(found) == [(number, number * number) for number in range(20)]
    ran = {path.stem: path.read_text().split() for path in tmp_path.glob("*.txt")}
    assert len(ran) == 20
    assert {pid for pids in ran.values() for pid in pids} == {str(worker.pid) for worker in workers}
    assert any(len(pids) == 2 for pids in ran.values())  # what the victim had in hand ran again


def test_a_sweep_on_a_cluster_is_the_same(tmp_path: Path, cluster: tuple[str, list["subprocess.Popen[str]"]]) -> None:
    address, workers = cluster
    killed = []

    def told(done: int, total: int) -> None:
        if done == 3 and not killed:
            killed.append(done)
            workers[1].send_signal(signal.SIGKILL)

    compare(variants(tmp_path), Rules(6), tmp_path / "here")
    compare(variants(tmp_path), Rules(6), tmp_path / "there", executor=make_executor(f"dask://{address}"), told=told)
    assert killed == [3]
    assert contents(tmp_path / "here") == contents(tmp_path / "there")


def test_no_scheduler_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="no dask.distributed here; install isim-serving[cluster]")
    with pytest.raises(RunError, match=r"executor: no Dask scheduler at 127\.0\.0\.1:9"):
        compare(variants(tmp_path), Rules(2), executor=make_executor("dask://127.0.0.1:9"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_sweep_leaves_no_process_and_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    """However it is interrupted: its processes end, what was half written goes, and what was finished is used."""
    variants(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    arguments = [
        "--profile",
        "p.parquet",
        "--rate",
        "600rps",
        "--duration",
        "60s",
        "--policy",
        "greedy",
        "--seeds",
        "8",
    ]
    command = [sys.executable, "-m", "isim", "compare", *arguments, "--executor", "processes:2", "-o", "cmp", "-q"]
    environment = {**os.environ, "TMPDIR": str(scratch), "SWEEP": str(tmp_path)}
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    finished = tmp_path / "cmp.unfinished"
    deadline_s = time.monotonic() + 120
    while not (finished.is_dir() and [path for path in finished.iterdir() if path.is_dir() and path.name[0] != "."]):
        assert running.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    running.send_signal(number)
    said = running.communicate(timeout=60)[1].decode()
    assert running.returncode == (-number if number == signal.SIGKILL else 130)
    assert "Traceback" not in said
    while processes_with(f"SWEEP={tmp_path}"):  # they notice that their parent is gone
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    if number != signal.SIGKILL:
        assert "what has finished is kept in cmp.unfinished" in said
        assert list(scratch.iterdir()) == []
    kept = {path.name for path in finished.iterdir() if path.is_dir() and path.name[0] != "."}
    assert not (tmp_path / "cmp").exists()
    assert 1 <= len(kept) <= 8
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=200)
    assert (again.returncode, again.stderr) == (0, "")
    assert len(list((tmp_path / "cmp").glob("1-greedy/seed-*/run.json"))) == 8
    assert not finished.exists()


def processes_with(variable: str) -> list[int]:
    """Return the processes with a variable in their environment, but for this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if variable.encode() in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
        except OSError:  # it has ended
            continue
    return found
