"""Arrival rates on a clock that stands still while nothing runs."""

import numpy as np
import pytest
from rehearsals import poisson

from isim.policies.busy_rates import BusyRates
from isim.policies.greedy import Greedy
from isim.policies.policy import Arrival, Event, Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, RehearsalView


class Counting:
    """Serve greedily, and note the rates at every event."""

    def __init__(self) -> None:
        self.rates = BusyRates()
        self._greedy = Greedy()
        self.seen_rps: list[float] = []

    def decide(self, view: RehearsalView, event: Event) -> object:
        self.rates.follow(view, event)
        if isinstance(event, Arrival) and view.now_s > 1.0:
            self.seen_rps.append(self.rates.rate_rps("m"))
        return self._greedy.decide(view, event)


def counted(requests: list[Request], run_s: float) -> Counting:
    policy = Counting()
    Rehearsal(policy, requests, 1, FixedProfile(tuple(range(1, 65)), run_s, 0.0)).run()  # type: ignore[arg-type]
    return policy


def at(*arrived_s: float) -> list[Request]:
    return [Request(i, "m", time_s, 1e9, 0, 1, 1.0) for i, time_s in enumerate(arrived_s)]


def test_by_hand() -> None:
    """Busy from 0 to 20 ms and from 100 to 120: seen are the arrivals at 4, 6 and, 26 - 20 ms later, 104."""
    policy = counted(at(0.0, 0.004, 0.006, 0.1, 0.104), 0.010)
    assert policy.rates.rate_rps("m") == pytest.approx(2 / 0.036)  # the clock says 40 ms, the first was at 4
    assert policy.rates.rate_rps("other") == 0.0


def test_poisson_arrivals_come_no_more_often_while_busy() -> None:
    """The mean over time of an estimate from 100 exponential gaps, some 100 of them apart: 99 / 98 of the rate."""
    policy = counted(poisson({"m": 200.0}, 200.0, 1.0), 0.004)
    assert np.mean(policy.seen_rps) == pytest.approx(200.0, rel=0.05)


def test_bursts_come_more_often_while_busy() -> None:
    """Ten at 1 kHz, once a second: 10 a second in the mean, but while the first runs, 1 kHz."""
    bursts = [1.0 * burst + 0.001 * i for burst in range(20) for i in range(10)]
    policy = counted(at(*bursts), 0.0095)
    assert policy.rates.rate_rps("m") > 400.0
