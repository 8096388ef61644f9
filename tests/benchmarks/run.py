"""Measure the speed of `isim run` as a user meets it: whole processes, from reading the files to the printed table.

`make bench` runs this and writes build/bench.json. Times are CPU seconds (user and system) of the whole process, one
core, after the compiled loop has been cached by a first run. Absolute figures belong to the machine; ratios travel.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import scenario

# One thread, and the bytecode that a first run leaves behind, as on a user's machine.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | {
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
LOAD = 0.8
MEASURED_LOAD_REQUESTS = 30_000


def isim(*arguments: str) -> dict[str, float]:
    """Run the command line and return what its process took."""
    started_s = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "isim", *arguments],
        stdout=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"isim {' '.join(arguments)} failed")
    return {
        "wall_s": time.perf_counter() - started_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_memory_bytes": usage.ru_maxrss * 1024,
    }


def simulate(folder: Path, rate_rps: float, requests: int) -> dict[str, Any]:
    """Run the scenario at a rate and return its figures."""
    profile, trace = scenario.write(folder, rate_rps, requests)
    out = folder / "run"
    taken = isim(
        "run", "--profile", str(profile), "--trace", str(trace), "--policy", "dynamic:max_batch=8,max_queue_delay=2ms",
        "--concurrency", "2", "--contention", "leftover", "--output", str(out), "--force", "--quiet",
    )  # fmt: skip
    run = json.loads((out / "run.json").read_text())
    boundaries, total = run["ending"]["kernel_boundaries"], run["summary"]["total"]
    return {
        "requests": requests,
        "rate_rps": rate_rps,
        "mean_batch_size": total["mean_batch_size"],
        "kernel_boundaries_per_request": boundaries / requests,
        "requests_per_cpu_second": requests / taken["cpu_s"],
        "kernel_boundaries_per_cpu_second": boundaries / taken["cpu_s"],
        "throughput_rps": requests / run["ending"]["end_s"],
        **taken,
    }


def main() -> None:
    """Measure every scenario and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--largest", type=int, default=10_000_000, help="requests of the largest run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        saturation_rps = simulate(folder, 1e6, MEASURED_LOAD_REQUESTS)["throughput_rps"]  # also fills the cache
        rate_rps = LOAD * saturation_rps
        figures: dict[str, Any] = {"saturation_rps": saturation_rps, "load": LOAD}
        figures["help_wall_s"] = statistics.median(isim("--help")["wall_s"] for _ in range(5))
        figures["run_10k"] = simulate(folder, rate_rps, 10_000)
        runs = [simulate(folder, rate_rps, 1_000_000) for _ in range(3)]
        figures["run_1m"] = sorted(runs, key=lambda run: float(run["cpu_s"]))[1]  # the median: machines are noisy
        if arguments.largest > 1_000_000:
            figures["run_largest"] = simulate(folder, rate_rps, arguments.largest)
            figures["largest_to_1m_cpu_ratio"] = figures["run_largest"]["cpu_s"] / figures["run_1m"]["cpu_s"]
    arguments.output.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
