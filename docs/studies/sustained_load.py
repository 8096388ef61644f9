"""The load that each policy sustains at an SLO attainment of 99 %, by bisection on the same requests for all.

    python docs/studies/sustained_load.py --policies 'greedy;clockwork;interference-aware' -o load.json

SLOs are multiples of a single sample's duration alone on the GPU. Every policy meets the same seeds, so that a
difference between policies is not luck of arrivals; the load at each seed is printed beside the mean.
"""

import argparse
import json
import statistics
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from isim.building.inputs import read_profile
from isim.experiment import Experiment
from isim.operations import Operations
from isim.profiler.networks.registry import network_names

PROFILE = "analytic:L4"
NAMES = sorted(network_names())
WORKLOADS = {"poisson": "poisson", "bursts": "on-off:on=200ms,off=200ms"}
POLICIES = (
    "greedy", "edf:drop_late=true", "shortest-first", "tf-serving", "clipper", "nexus", "clockwork",
    "symphony:slowdown=1.3", "alpaserve:batching=true", "shepherd", "interference-aware",
)  # fmt: skip


class Setting(NamedTuple):
    """What is the same for all policies."""

    process: str
    slo_factor: float
    contention: str
    concurrency: int
    duration: str
    target: float


def attainment(policy: str, predictor: str | None, rate_rps: float, setting: Setting, seed: int) -> float:
    """Return the share of requests in time in one run."""
    keys: dict[str, Any] = {
        "profile": PROFILE,
        "policy": policy,
        "concurrency": setting.concurrency,
        "contention": setting.contention,
        "seed": seed,
        "arrivals": {"process": setting.process, "rate": f"{rate_rps}rps", "duration": setting.duration},
        "slo": {model: f"{setting.slo_factor * alone_s:.9f}s" for model, alone_s in single_s().items()},
    }
    if predictor is not None:
        keys["predictor"] = predictor
    total = Experiment(**keys).run().description["summary"]["total"]
    return float(total["attainment"])


@cache
def single_s() -> dict[str, float]:
    """Return how long one sample of each model takes alone, seconds."""
    operations = Operations(read_profile(PROFILE, NAMES), NAMES)
    return {model: operations.solo_s(model, 1) for model in NAMES}


def sustained_rps(policy: str, predictor: str | None, setting: Setting, seed: int, within: float = 0.02) -> float:
    """Return the highest rate at which attainment reaches the target, to within a relative step.

    Attainment falls with the rate, so the interval halves in ratio; its lower end is returned.
    """
    low, high = 150.0, 300.0
    while attainment(policy, predictor, high, setting, seed) >= setting.target:
        low, high = high, 2 * high
        if high > 20_000:
            raise SystemExit(f"{policy}: attains {setting.target} at {low:g} rps; give a shorter SLO")
    while high / low > 1 + within:
        middle = (low * high) ** 0.5
        if attainment(policy, predictor, middle, setting, seed) >= setting.target:
            low = middle
        else:
            high = middle
    return low


def main() -> None:
    """Print a table and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", default=";".join(POLICIES), help="separated by semicolons")
    parser.add_argument("--predictor", help="for policies that ask one")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--slo-factors", default="3,5")
    parser.add_argument("--contention", default="roofline")
    parser.add_argument("--concurrency", type=int, default=2)
    parser.add_argument("--duration", default="10s")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--target", type=float, default=0.99)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    results = []
    for workload in arguments.workloads.split(","):
        for factor in map(float, arguments.slo_factors.split(",")):
            setting = Setting(
                WORKLOADS[workload], factor, arguments.contention, arguments.concurrency, arguments.duration,
                arguments.target,
            )  # fmt: skip
            for policy in arguments.policies.split(";"):
                loads = [sustained_rps(policy, arguments.predictor, setting, seed) for seed in range(arguments.seeds)]
                print(
                    f"{workload:8} {factor:g}x {policy:40} {statistics.mean(loads):7.0f} rps", [round(r) for r in loads]
                )
                results.append({"workload": workload, "slo_factor": factor, "policy": policy, "sustained_rps": loads})
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
