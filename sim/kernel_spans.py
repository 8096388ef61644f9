"""When each kernel of a run ran: what was dispatched is dispatched anew, kernel by kernel, on the run's own GPUs."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from isim.building.gpu_list import named_profiles
from isim.building.inputs import read_profile
from isim.clock import snap_s
from isim.contention.contention_file import load_contention
from isim.contention.contract import ContentionModel
from isim.engine.batch import Batch
from isim.engine.partitions import under_sharing
from isim.engine.phase_gpu import PhaseGpu
from isim.errors import RunError
from isim.operations import Operations, Variant
from isim.profiler.profile import Profile
from isim.run import DESCRIPTION, Run
from isim.sharing_modes import Sharing, parse_sharing

MOST = 1_000_000
"""Kernels that are run anew, in a minute at most; a timeline of as many is far larger than Perfetto likes."""
_SAME_S = 1e-10
"""Moments as close are one: what was added up kernel by kernel is off by rounding."""
_OFF_S = 1e-9
"""By how much a finish may differ from the run's: the resolution of profiles and traces."""

Row = Mapping[str, Any]
"""Of the table of batches."""


class Span(NamedTuple):
    """A kernel, copy or memset of a batch."""

    batch_id: int
    name: str
    start_s: float
    """When the gap before it has passed; under time-slicing it may then wait for its turn."""
    finish_s: float


def kernel_spans(run: Run, batch_ids: Iterable[int]) -> Iterator[Span]:
    """Yield what some batches of a run consisted of, in order of finish on each GPU.

    Raises
    ------
    IsimError
        Batches were preempted or kernels gated, the profile is not at hand, there are too many kernels, or what comes
        out is not what the run says.
    """
    if (run.folder / "preemptions.parquet").is_file():
        raise RunError(
            f"{run.folder}: batches were preempted (found preemptions.parquet), and cannot be shown kernel by kernel; "
            "leave the kernels out"
        )
    said = run.description["sharing"]
    if "launch_s" in said and said["mode"] != "exclusive":  # where nothing runs beside a kernel, none has to wait
        raise RunError(
            f"{run.folder}: its policy's gate may let kernels wait (found launch_s under sharing in {DESCRIPTION}), so "
            "that they cannot be shown kernel by kernel; leave the kernels out"
        )
    wanted = set(batch_ids)
    rows = sorted(run.table("batches").to_pylist(), key=lambda row: (row["dispatched_s"], row["batch_id"]))
    for gpu in sorted({row["gpu"] for row in rows if row["batch_id"] in wanted}):
        own = [row for row in rows if row["gpu"] == gpu]
        profile, operations = _profile(run, gpu)
        sharing = parse_sharing(run.description["parameters"]["sharing"])
        part = _needed(own, wanted, from_start=sharing.mode == "time-slicing")
        if (count := sum(_length(operations, row) for row in part)) > MOST:
            raise RunError(
                f"{run.folder}: too many kernels (found {count:,} on GPU {gpu} since it was last idle, at most "
                f"{MOST:,}); choose a shorter or an earlier part with --from and --to"
            )
        contention, _ = load_contention(run.description["parameters"]["contention"])
        replay = _Replay(run, under_sharing(operations, profile, sharing), contention, sharing)
        names = {key: profile.operations(*key)["name"].to_pylist() for key in operations.variants}
        for batch, operation, start_s, finish_s in replay.run(part, wanted):
            if batch["batch_id"] in wanted:
                yield Span(
                    batch["batch_id"], names[batch["model"], batch["batch_size"]][operation] or "", start_s, finish_s
                )


def _profile(run: Run, gpu: int) -> tuple[Profile, Operations]:
    parameters, inputs = run.description["parameters"], run.description["inputs"]
    kinds = list(dict.fromkeys(named_profiles(parameters.get("gpus"))))
    name = named_profiles(parameters["gpus"])[gpu] if kinds else str(parameters["profile"])
    known = [inputs["profile"], *inputs.get("other_profiles", ())][kinds.index(name) if kinds else 0]
    models = tuple(run.summary["models"])
    if len(kinds) > 1:
        from isim.profiler.networks.registry import network_names

        models = tuple(model for model in models if model in network_names())
    profile = read_profile(name, models)
    if profile.digest() != known["content_sha256"]:
        raise RunError(
            f"{name}: not the profile that {run.folder} was simulated with (its content has another SHA-256), and "
            "kernels are its; put that one there, or leave the kernels out"
        )
    served = [model for model in run.summary["models"] if model in profile.models and profile.batch_sizes(model)]
    return profile, Operations(profile, served, name)


def _needed(rows: Sequence[Row], wanted: set[int], from_start: bool) -> list[Row]:
    """Return the batches that bear on the wanted ones: from when the GPU was last idle, until the last has finished.

    Whose turn it is, under time-slicing, depends on all that was before.
    """
    begin, first, until_s, last_s = 0, None, -math.inf, -math.inf
    for number, row in enumerate(rows):
        if row["dispatched_s"] >= until_s and not from_start:
            begin = number
        until_s = max(until_s, math.inf if row["finished_s"] is None else row["finished_s"])
        if row["batch_id"] in wanted:
            first = begin if first is None else first
            last_s = max(last_s, math.inf if row["finished_s"] is None else row["finished_s"])
    return [row for row in rows[first:] if row["dispatched_s"] <= last_s]


def _length(operations: Operations, row: Row) -> int:
    variant = operations.variants[row["model"], row["batch_size"]]
    return variant.last - variant.first


class _Replay:
    """One GPU, on which the gaps and kernels of recorded batches follow each other."""

    def __init__(self, run: Run, operations: Operations, contention: ContentionModel, sharing: Sharing) -> None:
        self._run = run
        self._variants = operations.variants
        self._end_s = float(run.description["ending"]["end_s"])
        self._slots = run.description["parameters"]["concurrency"]
        self._gpu = PhaseGpu(self._slots, operations, contention, sharing)
        self._left: dict[int, Iterator[Variant]] = {}
        """The phases to come of each batch on the GPU."""

    def run(self, rows: Sequence[Row], wanted: set[int]) -> Iterator[tuple[Row, int, float, float]]:
        """Yield a batch, the number of one of its operations, and from when to when it ran."""
        gpu, waiting, here = self._gpu, iter(rows), {}
        following = next(waiting, None)
        while following is not None or gpu.residents:
            finish_s = gpu.next_finish_s()
            if following is not None and abs(finish_s - following["dispatched_s"]) <= _SAME_S:
                finish_s = following["dispatched_s"]  # which a finish made way for
            free = len(gpu.residents) < self._slots
            if following is not None and free and finish_s > following["dispatched_s"]:
                here[following["batch_id"]] = following
                self._left[following["batch_id"]] = iter(gpu.phases(following["model"], following["batch_size"]))
                self._begin(following, following["dispatched_s"])
                following = next(waiting, None)
                continue
            if finish_s > self._end_s + _OFF_S:
                return
            for part in sorted(gpu.finished(finish_s), key=lambda part: part.batch_id):
                gpu.release(part, finish_s)
                row = here[part.batch_id]
                if (operation := gpu.operation(part.variant)) is not None:
                    first = self._variants[row["model"], row["batch_size"]].first
                    yield row, operation - first, part.dispatched_s, finish_s
                if not self._begin(row, finish_s) and part.batch_id in wanted:  # beside others, some were left out
                    self._check(row, snap_s(finish_s))

    def _begin(self, row: Row, now_s: float) -> bool:
        """Dispatch the next phase of a batch; return False if there is none."""
        phase = next(self._left[row["batch_id"]], None)
        if phase is None:
            return False
        scale = row["solo_s"] / self._variants[row["model"], row["batch_size"]].solo_s
        self._gpu.dispatch(Batch(row["batch_id"], phase, (), now_s, scale, 1.0), now_s)
        return True

    def _check(self, row: Row, finish_s: float) -> None:
        if row["finished_s"] is None or abs(row["finished_s"] - finish_s) > _OFF_S:
            raise RunError(
                f"{self._run.folder}: run anew, batch {row['batch_id']} finishes at {finish_s:.9g} s (found "
                f"{row['finished_s']} in the run), so its kernels cannot be shown; leave them out"
            )
