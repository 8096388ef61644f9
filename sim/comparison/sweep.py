"""Run many experiments, wherever they run, and keep what each left."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from isim.building.inputs import load_inputs
from isim.comparison.executor import Executor
from isim.comparison.run_store import RunStore
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.run import Run
from isim.scratch import scratch

A = TypeVar("A")

Told = Callable[[int, int], None]
"""Told how many simulations are done, and of how many."""

Task = tuple[Experiment, Profile]
"""An experiment, and its profile, which costs more to read or compute than the requests."""


class Sweep:
    """Run experiments that are not in the store yet, and count.

    Parameters
    ----------
    store
        Where finished runs lie.
    executor
        Where simulations run; it is entered already.
    profile
        That of every experiment.
    told
        Told about progress.
    """

    def __init__(self, store: RunStore, executor: Executor, profile: Profile, told: Told) -> None:
        self._store = store
        self._executor = executor
        self.profile = profile
        self._told = told
        self._done = self._total = 0

    def finished(self, experiments: Sequence[Experiment]) -> Iterator[tuple[int, Run]]:
        """Yield the position of each experiment and its run, as they finish.

        Raises
        ------
        IsimError
            As `Experiment.run`; what had finished before stays in the store.
        """
        tasks = [(experiment, self.profile) for experiment in experiments]
        names = [self.name(experiment) for experiment in experiments]
        for number, folder in self.results(simulate_files, tasks, names):
            yield number, Run.read(folder)

    def results(
        self, call: Callable[[A], dict[str, bytes]], tasks: Sequence[A], names: Sequence[str]
    ) -> Iterator[tuple[int, Path]]:
        """Yield the position of each task and the folder of the files that `call` returned of it, as they finish.

        Parameters
        ----------
        names
            Under which the store knows the results; those it has come first.
        """
        left = [number for number, name in enumerate(names) if not self._store.has(name)]
        self._total += len(names)
        self._count(len(names) - len(left))
        for number in sorted(set(range(len(names))) - set(left)):
            yield number, self._store.path(names[number])
        for position, files in self._executor.finished(call, [tasks[number] for number in left]):
            number = left[position]
            self._store.put(names[number], files)
            self._count(1)
            yield number, self._store.path(names[number])

    def name(self, experiment: Experiment, *more: Any) -> str:
        """Return the name of results in the store; see `RunStore.name`."""
        return self._store.name(experiment, *more)

    def folder(self, experiment: Experiment) -> Path:
        """Return where the finished run of an experiment lies."""
        return self._store.path(self._store.name(experiment))

    def _count(self, done: int) -> None:
        self._done += done
        self._told(self._done, self._total)


def simulate_files(task: Task) -> dict[str, bytes]:
    """Simulate, and return the files of the run folder: whoever asked may be on another machine."""
    experiment, profile = task
    with scratch() as folder:
        run = experiment.run(folder / "run", inputs=load_inputs(experiment, profile))
        return {path.name: path.read_bytes() for path in sorted(run.folder.iterdir())}
