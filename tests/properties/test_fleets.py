"""What holds for several GPUs, whatever the requests, the router and the policies."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_invariants import CONTENTIONS, MODELS, POLICIES, arrivals_us, every, networks, profile_from
from worlds import Log, kernel, simulate

from isim.engine.batch import Batch
from isim.engine.noise import Noise
from isim.engine.routing import Routing
from isim.engine.surroundings import Served
from isim.operations import Operations
from isim.policies.policy import Request
from isim.policies.routers.registry import make_router
from isim.policies.routers.router import Fleet, Router
from isim.profiler.profile import Profile
from isim.traces.trace import Trace
from isim.workload import Client, ClosedLoop, Replay, Workload

ROUTERS = ("round-robin", "join-shortest-queue", "least-loaded", "power-of-two", "by-model", "earliest-finish")
routers = st.sampled_from(ROUTERS)
policies = st.sampled_from(sorted(POLICIES))
contentions = st.sampled_from(sorted(CONTENTIONS))
LUCK = Noise(7)


def luck(_: float, request_id: int) -> float:
    return LUCK(0.2, request_id)  # these profiles hold no dispersion of their own


def serve(
    profile: Profile, workload: Workload, policy: str, contention: str, router: Router, gpus: int = 3, **options: Any
) -> tuple[Log, Routing]:
    routing = Routing(router, "router")
    operations = Operations(profile, workload.models)
    log, _ = simulate(
        profile, workload, POLICIES[policy](), CONTENTIONS[contention], slots=2, noise=luck,
        further=[Served(operations, POLICIES[policy]()) for _ in range(gpus - 1)], routing=routing, **options,
    )  # fmt: skip
    return log, routing


def trace_of(arrivals: Sequence[tuple[int, str]], ids: Sequence[int] | None = None) -> Trace:
    return Trace.from_columns(
        arrival_ns=[1000 * us for us, _ in arrivals], model=[model for _, model in arrivals],
        request_id=list(range(len(arrivals))) if ids is None else list(ids),
    )  # fmt: skip


def fates(log: Log) -> dict[int, tuple[Any, ...]]:
    """Return by request how it ended, and when it ran with which others."""
    return {
        request.request_id: (how.dispatched_s, how.finished_s, how.duration_s, [r.request_id for r in how.requests])
        if isinstance(how, Batch)
        else (how,)
        for request, how in log.ends
    }


@every
@given(networks, arrivals_us, policies, contentions, routers)
def test_every_request_ends_at_most_once_and_on_one_gpu(
    network: Any, arrivals: Any, policy: str, contention: str, router: str
) -> None:
    log, routing = serve(profile_from(network), Replay(trace_of(arrivals)), policy, contention, make_router(router, 3))
    ended = [request.request_id for request, _ in log.ends]
    assert len(ended) == len(set(ended))
    assert sum(routing.open_requests) == len(arrivals) - len(ended)  # policy static waits for full batches for ever
    assert policy == "static" or not any(routing.open_requests)
    assert any(routing.open_work_ns) == any(routing.open_requests)
    assert {batch.gpu for batch in log.batches} <= {0, 1, 2}
    gpu_of = {batch.batch_id: batch.gpu for batch in log.batches}
    assert len(gpu_of) == len(log.batches)
    assert all(len({gpu_of[batch_id] for batch_id in overlap.batch_ids}) == 1 for overlap in log.overlaps)
    assert all(len(overlap.batch_ids) <= 2 for overlap in log.overlaps)


@every
@given(networks, policies, routers, st.floats(0.001, 0.02))
def test_books_agree_with_what_is_open_at_the_horizon(network: Any, policy: str, router: str, horizon_s: float) -> None:
    clients = [Client(model, think_s=0.0005) for model in MODELS for _ in range(3)]
    log, routing = serve(
        profile_from(network), ClosedLoop(clients, requests_per_client=20), policy, "fair", make_router(router, 3),
        horizon_s=horizon_s,
    )  # fmt: skip
    ended = {request.request_id for request, _ in log.ends}
    arrived = [request for request in log.requests if request.arrived_s <= horizon_s]
    open_ = [request.request_id for request in arrived if request.request_id not in ended]
    assert sum(routing.open_requests) <= len(open_)  # what was kept back is reported, and was never sent anywhere
    assert sum(routing.open_requests) >= sum(len(batch.requests) for batch in log.cut_off)
    assert min(routing.open_work_ns) >= 0


@every
@given(networks, arrivals_us, policies, contentions)
def test_models_on_gpus_of_their_own_are_runs_of_their_own(
    network: Any, arrivals: Any, policy: str, contention: str
) -> None:
    profile = profile_from(network)
    place = tuple(f"{model}@{gpu}" for gpu, model in enumerate(MODELS) if model in {m for _, m in arrivals})
    router = make_router(f"by-model:place={'/'.join(place)}", 0)
    together = fates(serve(profile, Replay(trace_of(arrivals)), policy, contention, router)[0])
    apart: dict[int, tuple[Any, ...]] = {}
    for model in {model for _, model in arrivals}:
        own = [(number, each) for number, each in enumerate(arrivals) if each[1] == model]
        trace = trace_of([each for _, each in own], [number for number, _ in own])
        log, _ = simulate(profile, Replay(trace), POLICIES[policy](), CONTENTIONS[contention], slots=2, noise=luck)
        apart |= fates(log)
    assert together == apart  # to the last bit


class Renumbered:
    """Let a router see and choose GPUs by other numbers."""

    def __init__(self, router: Router, number: Sequence[int]) -> None:
        self._router = router
        self._number = number

    def route(self, fleet: Fleet, request: Request) -> int:
        seen = SimpleNamespace(
            now_s=fleet.now_s, slots=fleet.slots, able=fleet.able,
            open_requests=[fleet.open_requests[gpu] for gpu in self._number],
            open_work_ns=[fleet.open_work_ns[gpu] for gpu in self._number],
            servers=[fleet.servers[gpu] for gpu in self._number],
        )  # fmt: skip
        return self._number[self._router.route(seen, request)]


@every
@given(networks, arrivals_us, policies, contentions, routers, st.permutations([0, 1, 2]))
def test_numbers_of_equal_gpus_mean_nothing(
    network: Any, arrivals: Any, policy: str, contention: str, router: str, number: list[int]
) -> None:
    profile, workload = profile_from(network), Replay(trace_of(arrivals))
    plain, _ = serve(profile, workload, policy, contention, make_router(router, 3))
    renumbered, _ = serve(profile, workload, policy, contention, Renumbered(make_router(router, 3), number))
    assert fates(plain) == fates(renumbered)
    of_plain, of_renumbered = ({b.batch_id: b.gpu for b in log.batches} for log in (plain, renumbered))
    assert {batch_id: number[gpu] for batch_id, gpu in of_plain.items()} == of_renumbered


@pytest.mark.parametrize("router", ROUTERS)
def test_a_run_repeats_itself(router: str) -> None:
    network = {model: [kernel(300_000, sm=0.7, memory=0.4)] for model in MODELS}
    arrivals = [(70 * i, MODELS[i * i % 3]) for i in range(300)]
    runs = [
        fates(serve(profile_from(network), Replay(trace_of(arrivals)), "greedy", "fair", make_router(router, 3))[0])
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
