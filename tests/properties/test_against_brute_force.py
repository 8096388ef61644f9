"""The engine and a second implementation, written apart from it, must agree kernel by kernel."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from brute_force import (
    Op,
    World,
    speeds_block_scheduler,
    speeds_constant,
    speeds_fair,
    speeds_leftover,
    speeds_none,
    speeds_roofline,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from worlds import profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.policies.fcfs import Fcfs
from isim.policies.gate import MAY_START
from isim.policies.policy import Dispatch, Preempt, Timer, WakeAt
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

MODELS: dict[str, tuple[Any, Any]] = {
    "none": (NoContention(), speeds_none),
    "constant": (Constant(slowdown=1.5), speeds_constant(Fraction(3, 2))),
    "fair": (Fair(), speeds_fair),
    "roofline": (Roofline(), speeds_roofline),
    "block-scheduler": (
        BlockScheduler(kappa=0.875, hold=0.25, crowding=0.125),
        speeds_block_scheduler(Fraction(7, 8), Fraction(1, 4), Fraction(1, 8)),
    ),
    "leftover": (Leftover(kappa=0.875, beta=0.125), speeds_leftover(Fraction(7, 8), Fraction(1, 8))),
}

# Utilisations are multiples of 1/8 and times whole microseconds, so that coincidences are common and floats are exact.
shares = st.integers(0, 8).map(lambda eighths: eighths / 8)
gaps_ns = st.sampled_from([0, 0, 1000, 2000, 5000])
kernels = st.fixed_dictionaries(
    {
        "kind": st.just("kernel"),
        "duration_ns": st.integers(1, 12).map(lambda us: us * 1000),
        "gap_ns": gaps_ns,
        "sm": shares,
        "l2": shares,
        "dram": shares,
        "tensor": shares,
    }
)
copies = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["memcpy_h2d", "memcpy_d2h"]),
        "duration_ns": st.integers(1, 12).map(lambda us: us * 1000),
        "gap_ns": gaps_ns,
        "pcie": st.sampled_from([0.5, 1.0]),
    }
)
end = st.fixed_dictionaries(
    {"kind": st.just("end"), "duration_ns": st.just(0), "gap_ns": st.sampled_from([0, 1000, 3000])}
)
operations = st.builds(
    lambda body, last: [*body, *last],
    st.lists(st.one_of(kernels, kernels, copies), min_size=1, max_size=5),
    st.lists(end, max_size=1),
)


def demand(operation: dict[str, Any]) -> dict[str, Fraction]:
    if operation["kind"].startswith("memcpy"):
        return {operation["kind"].removeprefix("memcpy_"): Fraction(operation["pcie"])}
    return {name: Fraction(operation[name]) for name in ("sm", "l2", "dram", "tensor") if name in operation}


SHARINGS = {
    "streams": Sharing(),
    "turns": Sharing("time-slicing", quantum_s=3e-6),
    "parts that fit": Sharing("mps", shares={"m0": 0.5, "m1": 0.25, "m2": 0.25}),
    "parts that fit in twos": Sharing("mps", shares={"m0": 0.5, "m1": 0.5, "m2": 0.5}),
}


@pytest.mark.parametrize("sharing", SHARINGS)
@pytest.mark.parametrize("name", MODELS)
@given(
    networks=st.lists(operations, min_size=1, max_size=3),
    arrivals_us=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=8),
    slots=st.integers(1, 4),
)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_same_times_as_brute_force(name, sharing, networks, arrivals_us, slots):
    contention, speeds = MODELS[name]
    arrivals_us = sorted((us, which % len(networks)) for us, which in arrivals_us)
    profile = profile_of({(f"m{i}", 1): ops for i, ops in enumerate(networks)})
    trace = Trace.from_columns(
        arrival_ns=[us * 1000 for us, _ in arrivals_us], model=[f"m{which}" for _, which in arrivals_us]
    )
    log, _ = simulate(profile, Replay(trace), Fcfs(), contention, slots, sharing=SHARINGS[sharing])
    world = World(
        slots,
        speeds,
        requests_of(networks, arrivals_us),
        process=[which for _, which in arrivals_us],
        quantum=Fraction(3000) if sharing == "turns" else None,
        shares=[Fraction(share) for share in SHARINGS[sharing].shares.values()],
    )
    world.run()
    assert_same(log.batches, world, len(arrivals_us))


@njit(MAY_START)
def _may_start(wanted, phases, left_s, running, count, low, traits, parameters):
    """Two low kernels at once; no more SMs than there are with urgent ones; no longer than these, more or less."""
    sm, others = traits[wanted, 0], 0
    for k in range(count):
        if phases[k] >= low:
            others += 1
        elif k < running:
            sm += traits[phases[k], 0]
            if traits[wanted, 1] > left_s[k] + parameters[0]:
                return False
        elif traits[phases[k], 0] > 0.5:  # NaN before the first kernel
            return False
    return others < 2 and sm <= 1.0


class SmallKernels:
    name = "small"
    may_start = staticmethod(_may_start)
    parameters = np.array([3.137e-7])

    def traits(self, kernels):
        sm = np.nan_to_num(kernels.resources["sm"])  # of copies
        return np.column_stack([sm, kernels.duration_s])


def small_kernels(wanted, running, resting):
    """The same, of the slow world."""
    sm = wanted.ops[wanted.position].demand["sm"]
    low = [r for r in running if r.process != 0]
    for r in running:
        if r.process == 0:
            sm += r.ops[r.position].demand.get("sm", 0)
            if wanted.ops[wanted.position].work > r.work_left + Fraction(3137, 10):
                return False
    if any(r.ended is not None and r.ended.demand.get("sm", 0) > Fraction(1, 2) for r in resting):
        return False
    return len(low) < 2 and sm <= 1


def requests_of(networks, arrivals_us):
    return [
        (
            Fraction(us * 1000),
            [Op(Fraction(op["gap_ns"]), Fraction(op["duration_ns"]), demand(op)) for op in networks[which]],
        )
        for us, which in arrivals_us
    ]


def assert_same(batches, world, count):
    assert len(batches) == count
    for batch in batches:
        (request,) = batch.requests
        assert batch.dispatched_s == pytest.approx(float(world.dispatch[request.request_id] / 10**9), abs=1e-12)
        assert batch.finished_s == pytest.approx(float(world.finish[request.request_id] / 10**9), abs=1e-12)
        duration = world.finish[request.request_id] - world.dispatch[request.request_id]
        assert batch.duration_s == pytest.approx(float(duration / 10**9), abs=1e-12)


class Interrupted(Fcfs):
    """Preempt the resident that was dispatched first, at certain times."""

    def __init__(self, interrupts):
        self._at = [(us / 1e6, mode, keep) for us, mode, keep in interrupts]
        self._asked = False

    def decide(self, view, event):
        if not self._asked:
            self._asked = True
            yield from [WakeAt(at[0], str(i)) for i, at in enumerate(self._at) if at[0] >= view.now_s - 1e-12]
        if isinstance(event, Timer):
            _, mode, keep = self._at[int(event.tag)]
            running = [batch.batch_id for batch in view.residents if not batch.preempted]
            yield from [Preempt(batch_id, mode, keep) for batch_id in running[:1]]
        yield from super().decide(view, event)


class Gated(Interrupted):
    """Model m0 is urgent."""

    gate = SmallKernels()

    def decide(self, view, event):
        for decision in super().decide(view, event):
            urgent = isinstance(decision, Dispatch) and decision.requests[0].model == "m0"
            yield decision._replace(priority=1) if urgent else decision


interrupts_us = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(["reset", "kernel"]), st.booleans()),
    max_size=6,
    unique_by=lambda interrupt: interrupt[0],
)


@pytest.mark.parametrize("sharing", ["streams", "turns"])
@pytest.mark.parametrize("name", ["fair", "leftover"])
@given(
    networks=st.lists(operations, min_size=1, max_size=3),
    arrivals_us=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=8),
    slots=st.integers(1, 3),
    interrupts=interrupts_us,
    price_us=st.sampled_from([0, 0, 2, 5]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_same_times_as_brute_force_with_preemptions(name, sharing, networks, arrivals_us, slots, interrupts, price_us):
    contention, speeds = MODELS[name]
    arrivals_us = [(0, 0), *sorted((us, which % len(networks)) for us, which in arrivals_us)]
    profile = profile_of({(f"m{i}", 1): ops for i, ops in enumerate(networks)})
    trace = Trace.from_columns(
        arrival_ns=[us * 1000 for us, _ in arrivals_us], model=[f"m{which}" for _, which in arrivals_us]
    )
    priced = replace(SHARINGS[sharing], preemption_s=price_us / 1e6)
    log, ending = simulate(profile, Replay(trace), Interrupted(interrupts), contention, slots, sharing=priced)
    world = World(
        slots,
        speeds,
        requests_of(networks, arrivals_us),
        process=[which for _, which in arrivals_us],
        quantum=Fraction(3000) if sharing == "turns" else None,
        preempt=[(Fraction(us * 1000), mode, keep) for us, mode, keep in interrupts],
        price=Fraction(price_us * 1000),
    )
    world.run()
    assert ending.unfinished == 0
    assert_same([batch for batch in log.batches if batch.preempted is None], world, len(arrivals_us))


@pytest.mark.parametrize("name", ["fair", "leftover"])
@given(
    networks=st.lists(operations, min_size=2, max_size=3),
    arrivals_us=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2)), min_size=1, max_size=8),
    slots=st.integers(2, 4),
    interrupts=interrupts_us,
    launch_us=st.sampled_from([0, 0, 1]),
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_same_times_as_brute_force_with_a_gate(name, networks, arrivals_us, slots, interrupts, launch_us):
    contention, speeds = MODELS[name]
    arrivals_us = [(0, 0), *sorted((us, which % len(networks)) for us, which in arrivals_us)]
    profile = profile_of({(f"m{i}", 1): ops for i, ops in enumerate(networks)})
    trace = Trace.from_columns(
        arrival_ns=[us * 1000 for us, _ in arrivals_us], model=[f"m{which}" for _, which in arrivals_us]
    )
    sharing = Sharing(preemption_s=2e-6, launch_s=launch_us / 1e6)
    log, ending = simulate(profile, Replay(trace), Gated(interrupts), contention, slots, sharing=sharing)
    world = World(
        slots,
        speeds,
        requests_of(networks, arrivals_us),
        process=[which for _, which in arrivals_us],
        preempt=[(Fraction(us * 1000), mode, keep) for us, mode, keep in interrupts],
        price=Fraction(2000),
        gate=small_kernels,
        urgent=[which == 0 for _, which in arrivals_us],
        launch=Fraction(launch_us * 1000),
    )
    world.run()
    assert ending.unfinished == 0
    assert_same([batch for batch in log.batches if batch.preempted is None], world, len(arrivals_us))
