"""What holds for every workload, policy and contention model."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import kernel, profile_of, simulate

from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.engine.batch import Batch
from isim.policies.dynamic import Dynamic
from isim.policies.fcfs import Fcfs
from isim.policies.greedy import Greedy
from isim.policies.static import Static
from isim.run_schema import DROPPED, REJECTED
from isim.traces.trace import Trace
from isim.workload import Client, ClosedLoop, Replay

POLICIES = {
    "fcfs": Fcfs,
    "greedy": Greedy,
    "static": lambda: Static(batch_size=2),
    "static with a delay": lambda: Static(batch_size=3, max_delay_s=0.004),
    "dynamic": lambda: Dynamic(max_batch=4, max_queue_delay_s=0.002),
    "dynamic with limits": lambda: Dynamic(
        max_batch=4, max_queue_delay_s=0.003, preferred_batch_sizes=(2, 4), max_queue_size=3, timeout_s=0.005
    ),
}
CONTENTIONS = {"none": NoContention(), "fair": Fair(), "roofline": Roofline(), "leftover": Leftover()}
MODELS = ("a", "b", "c")

arrivals_us = st.lists(st.tuples(st.integers(0, 40_000), st.sampled_from(MODELS)), min_size=1, max_size=40).map(sorted)
kernels = st.lists(
    st.builds(
        kernel,
        st.integers(50_000, 900_000),
        st.integers(0, 100_000),
        sm=st.floats(0.05, 1.0),
        memory=st.floats(0.0, 1.0),
    ),
    min_size=1,
    max_size=4,
)
networks = st.fixed_dictionaries(dict.fromkeys(MODELS, kernels))
every = settings(max_examples=60, deadline=None, derandomize=True)


def profile_from(network):
    """Return batches of 1, 2 and 4: durations grow by a third of the batch."""
    return profile_of(
        {
            (model, size): [op | {"duration_ns": op["duration_ns"] * (2 + size) // 3} for op in ops]
            for model, ops in network.items()
            for size in (1, 2, 4)
        }
    )


def trace_of(arrivals, rename=lambda model: model):
    return Trace.from_columns(
        arrival_ns=[us * 1000 for us, _ in arrivals], model=[rename(model) for _, model in arrivals]
    )


def times(log):
    """Return what happened to each request, in numbers only."""
    return {
        request.request_id: (how.dispatched_s, how.finished_s, how.batch_id) if isinstance(how, Batch) else how
        for request, how in log.ends
    }


@pytest.mark.parametrize("policy", POLICIES)
@given(arrivals=arrivals_us, network=networks, contention=st.sampled_from(list(CONTENTIONS)), slots=st.integers(1, 3),
       horizon_ms=st.none() | st.integers(1, 60))  # fmt: skip
@every
def test_every_request_ends_at_most_once_and_time_goes_forward(
    policy, arrivals, network, contention, slots, horizon_ms
):
    horizon_s = horizon_ms and horizon_ms / 1e3
    log, ending = simulate(
        profile_from(network), Replay(trace_of(arrivals)), POLICIES[policy](), CONTENTIONS[contention], slots,
        horizon_s=horizon_s,
    )  # fmt: skip
    assert [request.request_id for request in log.requests] == list(range(len(arrivals)))
    ended = [request.request_id for request, _ in log.ends]
    assert len(set(ended)) == len(ended)
    assert len(ended) + ending.unfinished == len(arrivals)
    in_batches = [request.request_id for batch in log.batches for request in batch.requests]
    refused = [request.request_id for request, how in log.ends if how in (REJECTED, DROPPED)]
    assert sorted(in_batches + refused) == sorted(ended)

    finishes = [batch.finished_s for batch in log.batches]
    assert finishes == sorted(finishes)
    for batch in log.batches:
        assert batch.dispatched_s >= max(request.arrived_s for request in batch.requests)
        assert batch.duration_s >= batch.solo_s * (1 - 1e-9)
        assert batch.finished_s - batch.dispatched_s == pytest.approx(batch.duration_s, abs=1e-12)
        assert sum(o.finish_s - o.start_s for o in batch.overlaps) == pytest.approx(batch.duration_s, abs=1e-11)
    for earlier, later in zip(log.overlaps, log.overlaps[1:], strict=False):
        assert earlier.start_s < earlier.finish_s <= later.start_s
    assert all(len(overlap.batch_ids) <= slots for overlap in log.overlaps)
    if horizon_s is not None:
        assert ending.end_s <= horizon_s


@pytest.mark.parametrize("policy", POLICIES)
@given(arrivals=arrivals_us, network=networks, cut=st.integers(0, 39), slots=st.integers(1, 3))
@every
def test_no_decision_uses_the_future(policy, arrivals, network, cut, slots):
    """What was done before an arrival is the same without it and all that follow."""
    cut = cut % len(arrivals)
    until_s = arrivals[cut][0] / 1e6
    profile = profile_from(network)

    def before(some):
        if not some:
            return []
        log, _ = simulate(profile, Replay(trace_of(some)), POLICIES[policy](), Leftover(), slots)
        return [
            (batch.model, batch.dispatched_s, [request.request_id for request in batch.requests])
            for batch in sorted(log.batches, key=lambda batch: batch.batch_id)
            if batch.dispatched_s < until_s
        ]

    assert before(arrivals) == before(arrivals[:cut])


@pytest.mark.parametrize("policy", POLICIES)
@given(arrivals=arrivals_us, network=networks, names=st.permutations(MODELS), slots=st.integers(1, 3))
@every
def test_names_of_models_do_not_matter(policy, arrivals, network, names, slots):
    rename = dict(zip(MODELS, names, strict=True))
    renamed = {rename[model]: ops for model, ops in network.items()}
    first, _ = simulate(profile_from(network), Replay(trace_of(arrivals)), POLICIES[policy](), Leftover(), slots)
    second, _ = simulate(
        profile_from(renamed), Replay(trace_of(arrivals, rename.__getitem__)), POLICIES[policy](), Leftover(), slots
    )
    assert times(first) == times(second)


@given(arrivals=arrivals_us, network=networks, model=st.sampled_from(MODELS), cut_ns=st.integers(1, 49_000))
@every
def test_shorter_kernels_never_finish_later_alone(arrivals, network, model, cut_ns):
    """With fixed batches and one slot; batching policies and co-location have anomalies, as silicon does."""
    shorter = dict(network)
    shorter[model] = [op | {"duration_ns": op["duration_ns"] - cut_ns} for op in network[model]]
    slow, _ = simulate(profile_from(network), Replay(trace_of(arrivals)), Fcfs(), NoContention())
    fast, _ = simulate(profile_from(shorter), Replay(trace_of(arrivals)), Fcfs(), NoContention())
    after = times(fast)
    assert all(after[request][1] <= finish[1] + 1e-12 for request, finish in times(slow).items())


@given(network=networks, clients=st.lists(st.tuples(st.sampled_from(MODELS), st.integers(1, 4),
       st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=4))  # fmt: skip
@every
def test_a_closed_loop_sends_the_next_request_when_the_last_has_ended(network, clients):
    spec = [Client(model, samples, think / 1e3, start / 1e3) for model, samples, think, start in clients]
    log, ending = simulate(profile_from(network), ClosedLoop(spec, requests_per_client=5), Fcfs(), Roofline(), slots=2)
    assert len(log.requests) == 5 * len(spec) == len(log.ends)
    assert ending.unfinished == 0
    finished_s = {request.request_id: how.finished_s for request, how in log.ends}
    think_of = {(client.model, client.samples): set() for client in spec}
    for client in spec:
        think_of[client.model, client.samples].add(client.think_s)
    later = [request for request in log.requests if request.request_id >= len(spec)]
    for request in later:  # it follows some finish by the think time of a client of its model
        thinks_s = think_of[request.model, request.samples]
        assert any(
            request.arrived_s == pytest.approx(end_s + think_s, abs=1e-9)
            for end_s in finished_s.values()
            for think_s in thinks_s
        )
    outstanding = sorted(
        [(request.arrived_s, 1) for request in log.requests] + [(finished_s[r.request_id], -1) for r in log.requests]
    )
    level = 0
    for _, step in outstanding:
        level += step
        assert level <= len(spec)
