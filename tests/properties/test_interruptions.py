"""What holds for policies that preempt batches or gate kernels, as for all others."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_invariants import CONTENTIONS, MODELS, arrivals_us, every, profile_from
from worlds import kernel, simulate

from isim.engine.batch import Batch
from isim.policies.greedy import Greedy
from isim.policies.orion import Orion
from isim.policies.policy import Arrival, Decision, Event, Preempt, View
from isim.policies.reef import Reef
from isim.policies.shepherd import Shepherd
from isim.run_schema import DROPPED, REJECTED
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay


class Reshuffles(Greedy):
    """Batch greedily; at each arrival preempt, or not, whatever runs."""

    def __init__(self) -> None:
        super().__init__()
        self._luck = np.random.default_rng(0)

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        for batch in view.residents if isinstance(event, Arrival) else ():
            if not batch.preempted and self._luck.random() < 0.3:
                mode: Any = ("reset", "kernel")[int(self._luck.integers(2))]
                yield Preempt(batch.batch_id, mode, bool(self._luck.integers(2)))
        yield from super().decide(view, event)


POLICIES = {
    "preempting at random": Reshuffles,
    "shepherd": lambda: Shepherd(ratio=1.5),
    "reef": lambda: Reef(urgent=("a",)),
    "reef with padding": lambda: Reef(padding=True, urgent=("a",)),
    "orion": lambda: Orion(urgent=("a",)),
}
kernels = st.lists(
    st.builds(
        kernel, st.integers(50_000, 900_000), st.integers(0, 100_000), sm=st.floats(0.05, 1.0),
        memory=st.floats(0.0, 1.0), sm_needed=st.floats(0.1, 1.0),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
networks = st.fixed_dictionaries(dict.fromkeys(MODELS, kernels))


def trace_of(arrivals: Any) -> Trace:
    return Trace.from_columns(
        arrival_ns=[us * 1000 for us, _ in arrivals], model=[model for _, model in arrivals],
        slo_ns=[20_000_000] * len(arrivals),
    )  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
@given(arrivals=arrivals_us, network=networks, contention=st.sampled_from(list(CONTENTIONS)), slots=st.integers(1, 3),
       horizon_ms=st.none() | st.integers(1, 60), price_us=st.sampled_from([0, 50, 700]))  # fmt: skip
@every
def test_every_request_ends_at_most_once_and_time_goes_forward(
    policy: str, arrivals: Any, network: Any, contention: str, slots: int, horizon_ms: int | None, price_us: int
) -> None:
    log, ending = simulate(
        profile_from(network), Replay(trace_of(arrivals)), POLICIES[policy](), CONTENTIONS[contention], slots,
        horizon_s=horizon_ms and horizon_ms / 1e3, sharing=Sharing(preemption_s=price_us / 1e6),
    )  # fmt: skip
    ended = [request.request_id for request, _ in log.ends]
    assert len(set(ended)) == len(ended)
    assert len(ended) + ending.unfinished == len(arrivals)
    assert horizon_ms is not None or ending.unfinished == 0
    finished = [batch for batch in log.batches if batch.preempted is None]
    in_batches = [request.request_id for batch in finished for request in batch.requests]
    refused = [request.request_id for request, how in log.ends if how in (REJECTED, DROPPED)]
    assert sorted(in_batches + refused) == sorted(ended)
    assert all(how in finished for _, how in log.ends if isinstance(how, Batch))
    left_s = {batch.batch_id: batch.left_s for batch in log.batches if batch.preempted is not None}
    for batch in log.batches:
        end_s = left_s.get(batch.batch_id, batch.finished_s)
        assert end_s - batch.dispatched_s == pytest.approx(batch.duration_s, abs=1e-12)
        assert sum(o.finish_s - o.start_s for o in batch.overlaps) == pytest.approx(batch.duration_s, abs=1e-11)
        if batch.preempted is None:
            assert batch.duration_s >= batch.solo_s * (1 - 1e-9)
        if batch.continues is not None:
            assert batch.dispatched_s >= left_s[batch.continues.batch_id]
        if batch.preempted is not None:
            assert end_s >= batch.preempted.asked_s + price_us / 1e6 - 1e-12
    for earlier, later in zip(log.overlaps, log.overlaps[1:], strict=False):
        assert earlier.start_s < earlier.finish_s <= later.start_s
    assert all(len(overlap.batch_ids) <= slots for overlap in log.overlaps)


@pytest.mark.parametrize("policy", POLICIES)
@given(arrivals=arrivals_us, network=networks, cut=st.integers(0, 39), slots=st.integers(1, 3))
@every
def test_no_decision_uses_the_future(policy: str, arrivals: Any, network: Any, cut: int, slots: int) -> None:
    """What was done before an arrival is the same without it and all that follow."""
    cut = cut % len(arrivals)
    until_s = arrivals[cut][0] / 1e6

    def before(some: Any) -> Any:
        if not some:
            return []
        log, _ = simulate(
            profile_from(network), Replay(trace_of(some)), POLICIES[policy](), CONTENTIONS["leftover"], slots
        )
        return [
            (batch.model, batch.dispatched_s, [request.request_id for request in batch.requests])
            for batch in sorted(log.batches, key=lambda batch: batch.batch_id)
            if batch.dispatched_s < until_s
        ]

    assert before(arrivals) == before(arrivals[:cut])
