"""Time-slicing and parts of the SMs, on cases small enough to work out by hand."""

import pytest
from worlds import kernel, profile_of, simulate

from isim.calibration.replay import Process, replay
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.engine.partitions import Partition, partitioned
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

MS = 1_000_000


def finishes_ms(batches: dict[str, list[object]], quantum_ms: float) -> dict[str, float]:
    """Return when one batch of each model ends; all arrive at 0 and take turns."""
    trace = Trace.from_columns(arrival_ns=[0] * len(batches), model=list(batches))
    profile = profile_of({(model, 1): operations for model, operations in batches.items()})  # type: ignore[misc]
    sharing = Sharing("time-slicing", quantum_s=quantum_ms / 1e3)
    log, _ = simulate(profile, Replay(trace), Fcfs(), NoContention(), slots=len(batches), sharing=sharing)
    return {batch.model: round(batch.finished_s * 1e3, 9) for batch in log.batches}


def test_turns_go_round_and_interrupt_kernels() -> None:
    # a: 0-2, 4-6, 8-9. b: 2-4, 6-8, 9-12: its last turn lasts as long as nobody waits.
    assert finishes_ms({"a": [kernel(5 * MS)], "b": [kernel(7 * MS)]}, quantum_ms=2) == {"a": 9, "b": 12}
    assert finishes_ms({"a": [kernel(2 * MS)], "b": [kernel(MS)], "c": [kernel(3 * MS)]}, 2) == {"a": 2, "b": 3, "c": 6}


def test_a_long_gap_gives_the_turn_away_and_a_short_one_does_not() -> None:
    work = [kernel(4 * MS)]
    # The gap is half of its batch: b has the GPU from 1 to 3 and is interrupted by nobody before its quantum is over.
    assert finishes_ms({"a": [kernel(MS), kernel(MS, gap_ns=2 * MS)], "b": work}, 10) == {"a": 6, "b": 5}
    # The gap is a sixth of its batch: a holds its turn to the end.
    assert finishes_ms({"a": [kernel(4 * MS), kernel(MS, gap_ns=MS)], "b": work}, 10) == {"a": 6, "b": 10}


@pytest.mark.parametrize("gap_ns", [0, MS])
def test_two_processes_that_hold_their_turns_slow_each_other_by_two(gap_ns: int) -> None:
    operations = Operations(profile_of({("a", 1): [kernel(9 * MS, gap_ns=gap_ns)]}), ["a"])
    found = replay(operations, [Process("a", 1)] * 2, NoContention(), sharing="time-slicing")
    assert found == pytest.approx([2, 2], rel=0.02)


def test_a_process_that_needs_little_is_served_when_it_comes() -> None:
    profile = profile_of({("host", 1): [kernel(MS, gap_ns=9 * MS)], ("gpu", 1): [kernel(50 * MS)]})
    operations = Operations(profile, ["host", "gpu"])
    host, gpu = replay(operations, [Process("host", 1), Process("gpu", 1)], NoContention(), sharing="time-slicing")
    assert host == pytest.approx(1.0, abs=0.01)  # the other's quantum is over whenever it comes
    assert gpu == pytest.approx(10 / 9, rel=0.01)


def test_a_part_of_the_sms_costs_what_was_measured_else_what_the_grid_needs() -> None:
    copy = {"kind": "memcpy_h2d", "duration_ns": MS, "gap_ns": 0}
    half_grid, full_grid = kernel(2 * MS, sm=0.5, sm_needed=0.5), kernel(4 * MS, gap_ns=MS, sm=1.0)
    whole = Operations(profile_of({("a", 1): [copy, half_grid, full_grid]}), ["a"])
    part = partitioned(whole, {"p": Partition("a", 0.5)})
    assert part.duration_s.tolist() == pytest.approx([0.001, 0.002, 0.008])
    assert part.columns["sm"][1:].tolist() == [0.5, 0.5]  # twice as long, half as much at a time
    assert part.columns["sm_needed"][1:].tolist() == [0.5, 0.5]  # one cannot fill more than its part
    assert part.variants["p", 1].solo_s == pytest.approx(0.012)
    assert partitioned(whole, {"p": Partition("a", 0.25)}).duration_s.tolist() == pytest.approx([0.001, 0.004, 0.016])
    # Alone it took 1.75 times as long: 6 ms more, all of it in 6 ms of kernels.
    known = partitioned(whole, {"p": Partition("a", 0.5, {1: 1.75})})
    assert known.duration_s.tolist() == pytest.approx([0.001, 0.004, 0.008])


def test_parts_that_fit_beside_each_other_do_not_queue_for_sms() -> None:
    operations = Operations(profile_of({("a", 1): [kernel(MS, sm=0.8)]}), ["a"])
    # On halves each kernel takes twice as long and asks 0.4: what is left of leftover is 1 - 0.25 x 0.4.
    found = replay(operations, [Process("a", 1, 0.5)] * 2, Leftover(kappa=1.0, beta=0.25), sharing="mps")
    assert found == pytest.approx([1 / 0.9] * 2, rel=0.01)
    over = replay(operations, [Process("a", 1, 0.6)] * 2, Leftover(kappa=1.0, beta=0.0), sharing="mps")
    assert min(over) > 1.2  # parts that exceed the GPU queue


def test_batches_of_one_process_run_as_streams_within_its_part() -> None:
    trace = Trace.from_columns(arrival_ns=[0, 0, 0], model=["a", "a", "b"])
    profile = profile_of({(model, 1): [kernel(4 * MS, sm=0.5)] for model in ("a", "b")})
    sharing = Sharing("mps", shares={"a": 0.5, "b": 0.5})
    log, _ = simulate(profile, Replay(trace), Fcfs(), Leftover(kappa=1.0, beta=0.0), slots=3, sharing=sharing)
    # The second of a gets the half that the first leaves, and all of it from 4 ms on; b has its own part.
    assert [(batch.model, round(batch.finished_s * 1e3, 9)) for batch in log.batches] == [("a", 4), ("b", 4), ("a", 6)]


def test_a_run_says_its_sharing_and_refuses_parts_of_models_that_are_not_served() -> None:
    short = {"rate": "100rps", "duration": "200ms", "models": {"resnet50": 1, "vgg19": 1}}
    run = Experiment(arrivals=short, sharing="mps:resnet50=0.5,vgg19=0.5").run()
    assert run.description["sharing"] == {"mode": "mps", "shares": {"resnet50": 0.5, "vgg19": 0.5}}
    run = Experiment(arrivals=short, sharing="time-slicing:quantum=1ms").run()
    assert run.description["sharing"] == {"mode": "time-slicing", "quantum_s": 0.001}
    with pytest.raises(ExperimentError, match="no model bert is served here"):
        Experiment(arrivals=short, sharing="mps:bert=0.5").run()


def test_a_turn_ends_when_the_gpu_falls_idle_as_it_is_over() -> None:
    """The second batch begins a new turn, so that the third waits for it, though the first turn lasted to its end."""
    profile = profile_of({("a", 1): [kernel(3_000)], ("b", 1): [kernel(1_000)]})
    trace = Trace.from_columns(arrival_ns=[0, 4_000, 5_000], model=["a", "a", "b"])
    sharing = Sharing("time-slicing", quantum_s=3e-6)
    log, _ = simulate(profile, Replay(trace), Fcfs(), NoContention(), slots=2, sharing=sharing)
    assert [round(batch.finished_s * 1e6, 6) for batch in log.batches] == [3, 7, 8]
