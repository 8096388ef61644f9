"""The fixed profile and the traffic that the speed of the engine is measured on."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from isim.profiler.profile import Profile
from isim.traces.trace import Trace

KERNELS = {"m60": 60, "m80": 80, "m90": 90, "m100": 100, "m110": 110, "m160": 160}
"""Kernels a batch of each model, the same at every batch size; 100 on average."""
BATCH_SIZES = (1, 2, 4, 8)
LAUNCH_GAP_NS = 1_000


def profile() -> Profile:
    """Return six models with lognormal kernel durations that grow almost in proportion to the batch."""
    rng = np.random.default_rng(20_251_122)
    tables = []
    for model, kernels in KERNELS.items():
        one_ns = rng.lognormal(np.log(12_000), 0.7, kernels)
        sm, dram = rng.uniform(0.2, 0.9, kernels), rng.uniform(0.05, 0.7, kernels)
        for size in BATCH_SIZES:
            tables.append(
                pa.table(
                    {
                        "model": [model] * kernels,
                        "batch_size": [size] * kernels,
                        "sm_share": np.ones(kernels),
                        "position": np.arange(kernels),
                        "kind": ["kernel"] * kernels,
                        "name": [f"k{i}" for i in range(kernels)],
                        "duration_ns": (one_ns * (0.3 + 0.7 * size)).astype(np.int64),
                        "gap_ns": np.full(kernels, LAUNCH_GAP_NS),
                        "sm": np.minimum(1.0, sm * (0.7 + 0.05 * size)),
                        "l2": dram * 0.8,
                        "dram": dram,
                    }
                )
            )
    return Profile.from_table(pa.concat_tables(tables), {"origin": "analytic", "backend": "benchmark"})


def trace(rate_rps: float, requests: int) -> Trace:
    """Return Poisson arrivals, each of a model drawn at random."""
    rng = np.random.default_rng(1)
    arrival_ns = np.cumsum(rng.exponential(1e9 / rate_rps, requests)).astype(np.int64)
    codes = pa.array(rng.integers(0, len(KERNELS), requests, dtype=np.int32))
    model = pa.DictionaryArray.from_arrays(codes, pa.array(list(KERNELS)))
    return Trace.from_columns(arrival_ns=arrival_ns, model=model)


def write(folder: Path, rate_rps: float, requests: int) -> tuple[Path, Path]:
    """Write both files and return their paths."""
    profile_path, trace_path = folder / "profile.parquet", folder / f"trace-{requests}-{rate_rps:.0f}.parquet"
    if not profile_path.exists():
        profile().write(profile_path)
    trace(rate_rps, requests).write(trace_path, force=True)
    return profile_path, trace_path
