from rehearsals import poisson, serve

from isim.policies.nexus import Nexus
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse

PROFILE = FixedProfile(tuple(range(1, 33)), 0.010, 0.001)
"""A batch of n takes 10 + n ms; with an SLO of 100 ms, at most 40 (so 32) are within half of it."""


def test_window_moves_past_what_would_make_it_late() -> None:
    """At 20 ms a window of two of a begins with 1, due at 26 ms: it is passed. With 3, due at 33, all is well."""
    arrivals = [("a", 0.0), ("a", 0.001), ("b", 0.002), ("a", 0.008), ("a", 0.009)]
    assert str(rehearse(Nexus(), arrivals, slo_s=0.025)) == "0 ms: a 0\n10 ms: b 2\n20 ms: drop 1\n20 ms: a 3 4"


def test_earliest_drops_only_what_would_be_late_alone() -> None:
    """At 11 ms a batch of n takes n + 10 ms; the first is due at 23 ms, so it goes in a batch of two."""
    requests = [Request(0, "a", 0.0, 1.0, 0, 1, 1.0)]
    requests += [Request(i, "a", 0.001, due_s, 0, 1, 1.0) for i, due_s in enumerate((0.0215, 0.023, 0.1, 0.1), 1)]
    lazy = Rehearsal(Nexus(drop="earliest"), requests, 1, PROFILE).run()
    assert str(lazy) == "0 ms: a 0\n11 ms: drop 1\n11 ms: a 2 3\n23 ms: a 4"


def test_models_take_turns() -> None:
    arrivals = [("a", 0.000)] * 3 + [("b", 0.001)] * 2
    assert str(rehearse(Nexus(max_batch=1), arrivals)) == "0 ms: a 0\n10 ms: b 3\n20 ms: a 1\n30 ms: b 4\n40 ms: a 2"


def test_early_drop_keeps_goodput_where_lazy_drop_loses_it() -> None:
    """The most that can be in time: 32 requests in 42 ms, 762 a second. Rates are 0.8, 1.2 and 1.6 times that."""
    goodput: dict[str, list[float]] = {"window": [], "earliest": []}
    for drop, rates in goodput.items():
        for rate_rps in (610.0, 914.0, 1219.0):
            served = serve(Nexus(drop=drop), poisson({"m": rate_rps}, 20.0, 0.100), PROFILE)  # type: ignore[arg-type]
            rates.append(served.in_time / 20.0)
    window, earliest = goodput["window"], goodput["earliest"]
    assert min(window[1:]) > 0.95 * window[0]  # flat past saturation
    assert max(earliest[1:]) < 0.8 * min(window[1:])  # collapsed
    assert max(window) < 1.01 * 32 / 0.042
