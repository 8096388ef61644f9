"""The engine and a second implementation, written apart from it, must agree kernel by kernel."""

from fractions import Fraction
from typing import Any

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
from worlds import profile_of, simulate

from isim.contention.block_scheduler import BlockScheduler
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.policies.fcfs import Fcfs
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
        [
            (
                Fraction(us * 1000),
                [Op(Fraction(op["gap_ns"]), Fraction(op["duration_ns"]), demand(op)) for op in networks[which]],
            )
            for us, which in arrivals_us
        ],
        process=[which for _, which in arrivals_us],
        quantum=Fraction(3000) if sharing == "turns" else None,
        shares=[Fraction(share) for share in SHARINGS[sharing].shares.values()],
    )
    world.run()
    assert len(log.batches) == len(arrivals_us)
    for batch in log.batches:
        (request,) = batch.requests
        assert batch.dispatched_s == pytest.approx(float(world.dispatch[request.request_id] / 10**9), abs=1e-12)
        assert batch.finished_s == pytest.approx(float(world.finish[request.request_id] / 10**9), abs=1e-12)
        duration = world.finish[request.request_id] - world.dispatch[request.request_id]
        assert batch.duration_s == pytest.approx(float(duration / 10**9), abs=1e-12)
