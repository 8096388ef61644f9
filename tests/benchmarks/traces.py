"""Measure how fast requests are drawn: ten million of every arrival process, and a trace of them.

    python tests/benchmarks/traces.py [--requests 10000000]

Times are CPU seconds of this process, the best of three. Absolute figures belong to the machine.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from isim.traces.generators.registry import make_process
from isim.traces.make import make_trace

SPECS = (
    "constant",
    "poisson",
    "gamma:cv=4",
    "weibull:cv=2",
    "lognormal:cv=2",
    "hyperexponential:cv=2",
    "pareto:alpha=2.5",
    "mmpp:burst_ratio=10,burst_share=0.1,cycle=20s",
    "on-off:on=1s,off=4s",
    "batch-poisson:size=10",
    "self-similar:hurst=0.8",
    "ramp",
    "steps:levels=1/2/3,step=20s",
    "piecewise:times=0s/10s/20s,levels=1/5/1,repeats=true",
    "diurnal:period=100s",
    "flash-crowd:magnitude=5,start=100s",
)
RATE_RPS = 10_000.0


def best_cpu_s(call: Callable[[], object]) -> float:
    """Return the least CPU time of three calls."""
    times_s = []
    for _ in range(3):
        started_s = time.process_time()
        call()
        times_s.append(time.process_time() - started_s)
    return min(times_s)


def main() -> None:
    """Measure every process and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000_000)
    requests = parser.parse_args().requests
    duration_ns = round(requests / RATE_RPS * 1e9)
    figures = {}
    for spec in SPECS:
        process = make_process(spec)
        drawn = best_cpu_s(lambda process=process: process.arrivals_ns(np.random.default_rng(1), RATE_RPS, duration_ns))
        figures[f"draw {spec}"] = drawn
    figures["make trace of poisson, two models"] = best_cpu_s(
        lambda: make_trace("poisson", rate_rps=RATE_RPS, duration_ns=duration_ns, models={"a": 3, "b": 1}, seed=1)
    )
    print(json.dumps({"requests": requests, "cpu_s": figures}, indent=2))


if __name__ == "__main__":
    main()
