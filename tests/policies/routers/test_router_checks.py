"""`check_router` passes every built-in, and each bad router is caught by the check that is there for it."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from isim.policies.routers.checks import ROUTER_CHECKS, SCENARIOS, check_router
from isim.policies.routers.registry import make_router
from isim.policies.routers.rehearsal import rehearse_router, send_all

GOOD = [
    "round-robin",
    "join-shortest-queue",
    "least-loaded",
    "power-of-two",
    "power-of-two:choices=1",
    "power-of-two:choices=3,seed=5",
    "by-model",
    "by-model:place=model0@1/model0@0",
    "earliest-finish",
]


@pytest.mark.parametrize("spec", GOOD)
def test_built_ins_pass(spec: str) -> None:
    check_router(lambda: make_router(spec, seed=1))


class Base:
    """Sends requests in turn; each bad router spoils one thing of this."""

    def __init__(self) -> None:
        self.sent = 0

    def route(self, fleet: Any, request: Any) -> Any:
        self.sent += 1
        able = fleet.able[request.model]
        return able[self.sent % len(able)]


class ForgetsWhoIsAble(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        return super().route(fleet, request) * 0 + len(fleet.servers) - 1


class ReturnsABool(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        return super().route(fleet, request) == 1


class ReturnsTheView(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        return fleet.servers[super().route(fleet, request)]


class RaisesOnIdleGpus(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        return min(fleet.able[request.model], key=lambda gpu: fleet.servers[gpu].residents[0].dispatched_s)


class CountsInTheBooks(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        gpu = super().route(fleet, request)
        fleet.open_requests[gpu] += 1
        return gpu


class TakesARequest(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        for view in fleet.servers:
            for queue in view.queues.values():
                if len(queue) > 2:
                    queue.pop()
        return super().route(fleet, request)


class DrawsLuckOfNoSeed(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        return random.choice(fleet.able[request.model])


class Shares(Base):
    turn: list[int] = []  # noqa: RUF012 - of the class: that is what is wrong with it

    def route(self, fleet: Any, request: Any) -> Any:
        self.turn.append(0)
        able = fleet.able[request.model]
        return able[len(self.turn) % 7 % len(able)]


class CannotBePickled(Base):
    def __init__(self) -> None:
        super().__init__()
        self.key = lambda gpu: gpu


class ForgetsWhenPickled(Base):
    def __getstate__(self) -> dict[str, Any]:
        return {"sent": 0}


class KeepsTheFleet(Base):
    def route(self, fleet: Any, request: Any) -> Any:
        self.fleet = fleet
        return super().route(fleet, request)

    def __getstate__(self) -> dict[str, Any]:
        return {"sent": self.sent}


class KeepsAView(KeepsTheFleet):
    def route(self, fleet: Any, request: Any) -> Any:
        self.view = fleet.servers[1]
        return Base.route(self, fleet, request)


class RemembersEverything(Base):
    def __init__(self) -> None:
        super().__init__()
        self.of: dict[int, int] = {}

    def route(self, fleet: Any, request: Any) -> Any:
        self.of[request.request_id] = gpu = super().route(fleet, request)
        return gpu


class LosesAParameter(Base):
    def __init__(self, most: int = 3) -> None:
        super().__init__()
        self.limit = most


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (ForgetsWhoIsAble, r"check_routes at \S+ s: chose 2 for model\d, which GPUs \(0,( 1)?\) serve; return one of"),
        (ReturnsABool, r"check_routes at \S+ s: chose (True|False) for model0, which GPUs"),
        (ReturnsTheView, r"check_routes at \S+ s: chose <.*RehearsalView"),
        (RaisesOnIdleGpus, r"check_routes at \S+ s: route raised IndexError \(list index out of range\) on Request"),
        (CountsInTheBooks, r"check_fleet_is_unchanged at \S+ s: the fleet was changed"),
        (TakesARequest, r"check_fleet_is_unchanged at \S+ s: the fleet was changed"),
        (DrawsLuckOfNoSeed, r"check_repeatable at \S+ s: GPU \d+ for request \d+ became \d+ with a second fresh"),
        (Shares, r"check_repeatable at"),
        (CannotBePickled, r"check_pickles: .*; keep lambdas"),
        (ForgetsWhenPickled, r"check_pickles at \S+ s: GPU"),
        (KeepsTheFleet, r"check_fleet_is_not_kept: the router still holds the fleet"),
        (KeepsAView, r"check_fleet_is_not_kept: the router still holds the view of GPU 1"),
        (RemembersEverything, r"check_memory_is_bounded: the router grew from \d+ to \d+ bytes"),
        (LosesAParameter, r"check_parameters_are_stored: parameter most is not kept; set self.most = most"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_bad_routers_are_caught(bad: Callable[[], Any], message: str) -> None:
    with pytest.raises(AssertionError, match=f"^{message}"):
        check_router(bad)


def test_the_base_of_the_bad_routers_is_good() -> None:
    check_router(Base)


def test_every_check_catches_one() -> None:
    names = "routes fleet_is_unchanged repeatable pickles fleet_is_not_kept memory_is_bounded parameters_are_stored"
    assert {check.__name__ for check in ROUTER_CHECKS} == {f"check_{name}" for name in names.split()}


def test_a_rehearsed_fleet_keeps_its_books() -> None:
    """What is sent is open until it has run: one a slot, for 5 ms on a fast GPU and 11 ms on a slow one."""
    scenario = SCENARIOS[4]
    fleet, requests = scenario.fleet(), scenario.draw()
    chosen = send_all(lambda fleet, request: request.request_id % 4, fleet, requests)
    assert sum(fleet.open_requests) == sum(
        len(view.residents) + sum(map(len, view.queues.values())) for view in fleet.servers
    )
    fleet.advance(requests[-1].arrived_s + 1000.0)
    assert chosen == [number % 4 for number in range(len(requests))]
    assert not any(fleet.open_requests)
    assert not any(fleet.open_work_ns)
    assert [view.free_slots for view in fleet.servers] == [2, 2, 2, 2]


def test_rehearsed_arrivals_by_hand() -> None:
    """Ten milliseconds each: the one that arrives at 10 ms finds GPU 0 idle, as a finish comes before an arrival."""
    arrivals = [("a", 0.0), ("b", 0.001), ("a", 0.002), ("b", 0.010)]
    assert rehearse_router(make_router("least-loaded", 0), arrivals, gpus=3) == [0, 1, 2, 0]
    assert rehearse_router(make_router("by-model", 0), arrivals) == [0, 1, 0, 1]
