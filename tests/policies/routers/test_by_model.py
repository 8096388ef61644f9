"""Models on several GPUs, each with a part of the requests."""

from types import SimpleNamespace
from typing import Any

import pytest

from isim.errors import RouterError
from isim.policies.policy import Request
from isim.policies.routers.registry import make_router

REQUEST = Request(0, "a", 0.0, float("inf"), 0, 1, 1.0)


def chosen(place: str, times: int) -> list[int]:
    router: Any = make_router(f"by-model:place={place}", 0)
    fleet = SimpleNamespace(able={"a": (0, 1, 2)}, open_requests=[0, 0, 0])
    return [router.route(fleet, REQUEST) for _ in range(times)]


def test_by_weight_and_spread_evenly() -> None:
    """Of four requests three go to GPU 0, and the other to GPU 1 in their midst."""
    assert chosen("a@0=3/a@1", 8) == [0, 0, 1, 0, 0, 0, 1, 0]
    assert chosen("a@0=3/a@1", 8) == chosen("a@0=0.75/a@1=0.25", 8) == chosen("a@0/a@1/a@0/a@0", 8)


def test_every_stretch_holds_its_part() -> None:
    """160, 160 and 80 of 400: after n requests each GPU has had its part of n to less than one."""
    gpus = chosen("a@0=160/a@1=160/a@2=80", 1000)
    for n in range(1, 1001):
        assert all(abs(gpus[:n].count(gpu) - part * n) < 1 for gpu, part in enumerate((0.4, 0.4, 0.2)))


@pytest.mark.parametrize("place", ["a@0=0", "a@0=-1", "a@0=inf", "a@0=much", "a@0=", "a@=2"])
def test_a_weight_that_is_none(place: str) -> None:
    with pytest.raises(RouterError) as caught:
        chosen(place, 1)
    assert caught.value.problems == (
        f"router by-model: not a placement (found {place!r}); write place=MODEL@GPU/MODEL@GPU",
    )
