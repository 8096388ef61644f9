"""Measure what a request costs on 64 GPUs and on one, at the same load of each GPU, under a random split.

    python tests/benchmarks/fleet.py --requests 1000000 --pairs 3

Whole commands in CPU seconds, as in run.py, one after the other in pairs: the ratio of a pair travels.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

import run
import scenario

RATE_RPS = 955.0
"""Of each GPU: 0.8 of what the scenario sustains."""
GPUS = 64


def cpu_us(folder: Path, gpus: int, requests: int) -> float:
    """Run the scenario and return the CPU time a request, microseconds."""
    profile, trace = scenario.write(folder, RATE_RPS * gpus, requests)
    fleet = ["--gpus", str(gpus), "--router", "power-of-two:choices=1"] if gpus > 1 else []
    taken = run.isim(
        "run", "--profile", str(profile), "--trace", str(trace), "--policy", "dynamic:max_batch=8,max_queue_delay=2ms",
        "--concurrency", "2", "--contention", "leftover", "--output", str(folder / "run"), "--force", "--quiet", *fleet,
    )  # fmt: skip
    return taken["cpu_s"] / requests * 1e6


def main() -> None:
    """Measure pairs and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--pairs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cpu_us(folder, 1, 10_000)  # fills the cache
        ratios = []
        for _ in range(arguments.pairs):
            one, many = (cpu_us(folder, gpus, arguments.requests) for gpus in (1, GPUS))
            ratios.append(many / one)
            print(f"1 GPU {one:.2f} us a request, {GPUS} GPUs {many:.2f} us, ratio {many / one:.3f}")
        print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
