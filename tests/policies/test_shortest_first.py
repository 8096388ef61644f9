import math

from rehearsals import ByModel, poisson, serve

from isim.policies.fcfs import Fcfs
from isim.policies.policy import Request
from isim.policies.rehearsal import Rehearsal
from isim.policies.shortest_first import ShortestFirst

PROFILE = ByModel((1, 2, 4), {"long": (0.020, 0.0), "short": (0.002, 0.002)})


def test_takes_the_least_time_per_request() -> None:
    """At 20 ms: two short take 6 ms, 3 each; three long take 20 ms, 6.7 each; four long would take 5 each."""
    models = ["long", "short", "short", "long", "long", "long"]
    requests = [Request(i, model, i * 0.001, math.inf, 0, 1, 1.0) for i, model in enumerate(models)]
    assert (
        str(Rehearsal(ShortestFirst(), requests, 1, PROFILE).run())
        == "0 ms: long 0\n20 ms: short 1 2\n26 ms: long 3 4 5"
    )


def test_mean_wait_is_that_of_the_priority_queue() -> None:
    """Cobham: W_short = W0 / (1 - rho_short), W_long = W0 / ((1 - rho_short)(1 - rho)), W0 = sum of rate * s**2 / 2."""
    rates_rps = {"long": 25.0, "short": 75.0}
    requests = poisson(rates_rps, 600.0, math.inf)
    mine, fcfs = serve(ShortestFirst(max_batch=1), requests, PROFILE), serve(Fcfs(), requests, PROFILE)
    rho_short, rho = 75 * 0.004, 75 * 0.004 + 25 * 0.020
    residual_s = (25 * 0.020**2 + 75 * 0.004**2) / 2
    expected_s = (0.75 * residual_s / (1 - rho_short)) + 0.25 * residual_s / ((1 - rho_short) * (1 - rho))
    assert math.isclose(mine.mean_wait_s, expected_s, rel_tol=0.06)
    assert math.isclose(fcfs.mean_wait_s, residual_s / (1 - rho), rel_tol=0.06)
    assert mine.mean_wait_s < fcfs.mean_wait_s
