"""Measure a mix: its members alone and together, in turn, so that a drift of the device hits all alike."""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench
from isim.profiler.in_processes import InProcesses
from isim.profiler.lanes import inside_overlap
from isim.profiler.mix import Mix
from isim.profiler.mix_result import Stretch, mix_result
from isim.profiler.side_by_side import OnStreams, SideBySide
from isim.profiler.stopping import Stopping
from isim.profiler.telemetry import Telemetry

_IN_PROCESSES = ("processes", "mps")


@dataclass(frozen=True, slots=True)
class Rounds:
    """How a mix is measured: rounds of A, B, A || B, every other one backwards.

    Parameters
    ----------
    stretch_s, at_least
        How long one stretch is, and how many batches of each member it has at least.
    min_rounds
        Rounds before it may stop; even, so that forwards and backwards weigh the same.
    stopping
        Applied to the executions of each member inside the overlaps.

    Examples
    --------
    >>> Rounds(stretch_s=0.5).min_rounds
    4
    """

    stretch_s: float = 0.25
    at_least: int = 5
    min_rounds: int = 4
    stopping: Stopping = field(default_factory=lambda: Stopping(noise=0.01))


def measure_mix(bench: Bench, mix: Mix, sharing: str, rounds: Rounds, seed: str) -> dict[str, Any]:
    """Measure one mix; return its experiments and how it went.

    Parameters
    ----------
    sharing
        One of the device's `sharings`.
    seed
        Of the phases at which the members begin.

    Raises
    ------
    ProfileError
        The device cannot share so or hold a member to its share, a member cannot be run, or everything was throttled.
    """
    if sharing not in bench.device.sharings:
        raise ProfileError(
            f"--sharing {sharing}: --device {bench.device.spec} cannot share so; "
            f"use {' or '.join(bench.device.sharings)}"
        )
    if sharing != "mps" and (held := [str(member) for member in mix if member.sm_share != 1]):
        raise ProfileError(
            f"--sharing {sharing}: cannot hold {' and '.join(held)} to a share of the device, only mps can; "
            "leave out what stands behind '/'"
        )
    members = InProcesses(bench.device, mix, sharing) if sharing in _IN_PROCESSES else OnStreams(bench.device, mix)
    try:
        if bench.telemetry is not None:
            bench.telemetry.start()
        try:
            stretches = _stretches(bench, members, len(mix), rounds, random.Random(seed))
        finally:
            telemetry = bench.telemetry.stop() if bench.telemetry is not None else Telemetry.from_samples([])
    finally:
        members.close()
    named = tuple(member._replace(model=model) for member, model in zip(mix, members.models, strict=True))
    return {"sharing": sharing, **mix_result(named, stretches, telemetry)}


def _stretches(bench: Bench, members: SideBySide, count: int, rounds: Rounds, phase: random.Random) -> list[Stretch]:
    begin_ns = bench.device.now_ns()
    stretches: list[Stretch] = []
    all_members = tuple(range(count))
    turn = [(member,) for member in all_members] + [all_members]
    longest_s = 0.0
    done = 0
    while True:
        for which in turn if done % 2 == 0 else turn[::-1]:
            # Processes do not see one another: what is too short for the longest of them must be made long beforehand.
            seconds = max(rounds.stretch_s, (rounds.at_least + 1) * longest_s * len(which))
            offsets_s = [phase.uniform(0, longest_s) if len(which) > 1 else 0.0 for _ in which]
            _mark(bench)
            ran = members.run(which, offsets_s, seconds, rounds.at_least)
            _mark(bench)
            stretches.append(Stretch(tuple(which), tuple(ran)))
            if len(which) == 1:
                longest_s = max(longest_s, float(np.median(ran[0].finish_ns - ran[0].start_ns)) * 1e-9)
        done += 1
        elapsed_s = (bench.device.now_ns() - begin_ns) * 1e-9
        if done % 2 == 0 and done >= rounds.min_rounds and _enough(stretches, all_members, rounds.stopping, elapsed_s):
            return stretches


def _enough(stretches: list[Stretch], members: tuple[int, ...], stopping: Stopping, elapsed_s: float) -> bool:
    if elapsed_s >= stopping.timeout_s:
        return True
    together = [stretch.lanes for stretch in stretches if stretch.members == members]
    for member in members:
        durations_ns = [
            (lanes[member].finish_ns - lanes[member].start_ns)[inside_overlap(lanes)[member]] for lanes in together
        ]
        if stopping.reason(np.concatenate(durations_ns), elapsed_s) is None:
            return False
    return True


def _mark(bench: Bench) -> None:
    if bench.telemetry is not None:
        bench.telemetry.mark()
