"""Choices of every router, worked out by hand."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from isim.errors import RouterError
from isim.plugins import list_plugins
from isim.policies.policy import Request
from isim.policies.predictors.predictor import Prediction
from isim.policies.rehearsal import FixedProfile
from isim.policies.routers.registry import make_router


def request(model: str = "a", samples: int = 1, work: float = 1.0) -> Request:
    return Request(0, model, 0.0, float("inf"), 0, samples, work)


def fleet(able: dict[str, tuple[int, ...]] | None = None, **facts: Any) -> Any:
    facts = {"now_s": 0.0, "slots": 1, "able": able or {"a": (0, 1, 2)}, "open_requests": [0, 0, 0]} | facts
    return SimpleNamespace(**facts)


def server(fixed_s: float, slowdown: float | None = None, residents: int = 0) -> Any:
    predictor = slowdown and SimpleNamespace(predict=lambda target, beside: Prediction(slowdown ** len(beside)))
    resident = SimpleNamespace(model="a", batch_size=1, dispatched_s=-0.001)
    profile = FixedProfile((1,), fixed_s=fixed_s, per_sample_s=0.0)
    return SimpleNamespace(profile=profile, predictor=predictor, residents=[resident] * residents)


def chosen(spec: str, times: int = 1, of: Any = None, models: str = "a", seed: int = 0) -> list[int]:
    router, of = make_router(spec, seed), of or fleet()
    return [router.route(of, request(models[i % len(models)])) for i in range(times)]


def test_round_robin_goes_on_where_it_stopped_for_any_model() -> None:
    able = {"a": (0, 1, 2), "b": (1,)}
    assert chosen("round-robin", 7, fleet(able), "aba") == [0, 1, 2, 0, 1, 2, 0]


def test_join_shortest_queue_takes_the_fewest_and_turns_among_equals() -> None:
    assert chosen("join-shortest-queue", 2, fleet(open_requests=[3, 1, 2])) == [1, 1]
    assert chosen("join-shortest-queue", 4, fleet(open_requests=[0, 0, 1])) == [0, 1, 0, 1]
    assert chosen("join-shortest-queue", 3, fleet({"a": (1, 2)}, open_requests=[0, 4, 4])) == [1, 2, 1]


def test_least_loaded_weighs_work() -> None:
    assert chosen("least-loaded", 1, fleet(open_requests=[1, 9, 9], open_work_ns=[9, 8, 7])) == [2]


def test_power_of_two_takes_the_shorter_of_two_different_ones() -> None:
    assert set(chosen("power-of-two", 50, fleet(open_requests=[0, 5, 9]))) == {0, 1}  # the worst is never alone
    counts = Counter(chosen("power-of-two:choices=1", 3000, fleet(open_requests=[0, 5, 9])))
    assert all(abs(count - 1000) < 5 * (3000 * 2 / 9) ** 0.5 for count in counts.values())  # five deviations
    assert chosen("power-of-two", 1, fleet({"a": (2,)})) == [2]


def test_power_of_two_repeats_with_its_seed() -> None:
    draws = [tuple(chosen("power-of-two:choices=1", 20, seed=seed)) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_by_model_deals_out_what_is_not_placed() -> None:
    able = {"a": (0, 1), "b": (0, 1), "c": (0, 1), "d": (0,)}
    of = fleet(able, open_requests=[0, 0])
    assert chosen("by-model", 4, of, "abcd") == [0, 1, 0, 0]
    assert chosen("by-model:place=b@0/c@0", 4, of, "abcd") == [1, 0, 0, 0]
    assert chosen("by-model:place=a@1/a@0", 3, of) == [1, 0, 1]


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("a", "router by-model: not a placement (found 'a'); write place=MODEL@GPU/MODEL@GPU"),
        (
            "a@0,b@1",
            "router by-model: not a parameter (found 'b@1'); several values of place have a / between, not a comma",
        ),
        ("z@0", "router by-model: place z@0: no such model (served: a); correct the placement"),
        ("a@7", "router by-model: place a@7: that GPU does not serve it; correct the placement"),
    ],
    ids=["no number", "a comma", "unknown model", "no such GPU"],
)
def test_by_model_says_what_is_wrong_with_a_placement(place: str, sentence: str) -> None:
    with pytest.raises(RouterError) as caught:
        chosen(f"by-model:place={place}")
    assert caught.value.problems == (sentence,)


def test_earliest_finish_by_hand() -> None:
    able = {"a": (0, 1)}
    # 4 ms of work ahead in 2 slots and 1 ms of its own; against 3 ms of its own on an idle, slower GPU.
    servers = [server(0.001), server(0.003)]
    assert chosen("earliest-finish", 1, fleet(able, slots=2, servers=servers, open_work_ns=[4_000_001, 0])) == [1]
    assert chosen("earliest-finish", 1, fleet(able, slots=2, servers=servers, open_work_ns=[3_900_000, 0])) == [0]
    # Beside one resident everything takes 1.6 times as long on GPU 0: 1.6 ms x 1.6 against 2.5 ms.
    servers = [server(0.001, slowdown=1.6, residents=1), server(0.0025)]
    assert chosen("earliest-finish", 1, fleet(able, slots=1, servers=servers, open_work_ns=[600_000, 0])) == [1]
    servers = [server(0.001, slowdown=1.5, residents=1), server(0.0025)]
    assert chosen("earliest-finish", 1, fleet(able, slots=1, servers=servers, open_work_ns=[600_000, 0])) == [0]


def test_a_router_is_named_like_any_plug_in() -> None:
    names = {plugin.name for plugin in list_plugins("isim.routers")}
    assert names == {
        "round-robin", "join-shortest-queue", "least-loaded", "power-of-two", "by-model", "earliest-finish",
    }  # fmt: skip
    with pytest.raises(RouterError, match="did you mean round-robin"):
        make_router("round-robbin", 0)
    with pytest.raises(RouterError, match="choices must be at least 1"):
        make_router("power-of-two:choices=0", 0)


@pytest.mark.parametrize(
    ("method", "sentence"),
    [
        ("def choose(self, fleet, request): ...", "no method route (has: choose); add route(self, fleet, request)"),
        (
            "def route(self, request): ...",
            "route takes other arguments (found route(request)); write route(self, fleet, request)",
        ),
    ],
    ids=["none", "other arguments"],
)
def test_a_router_that_cannot_be_asked_is_refused(tmp_path: Path, method: str, sentence: str) -> None:
    spec = f"{tmp_path / 'mine.py'}:Mine"
    (tmp_path / "mine.py").write_text(f"class Mine:\n    {method}\n")
    with pytest.raises(RouterError) as caught:
        make_router(spec, 0)
    assert caught.value.problems == (f"router {spec}: {sentence}",)
