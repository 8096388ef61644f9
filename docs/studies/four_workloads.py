"""The four workloads on which policies are compared: generated or recorded requests, at any rate."""

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from isim.building.inputs import read_profile
from isim.operations import Operations
from isim.profiler.networks.registry import network_names
from isim.profiler.profile import Profile
from isim.traces.importers.azure_llm import read_azure_llm
from isim.traces.importers.disb import read_disb
from isim.traces.mapping import map_models
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream
from isim.traces.transforms.cut import cut
from isim.traces.transforms.scale_time import scale_time

PROFILE = "analytic:L4"
NAMES = sorted(network_names())
TRACES = Path(os.environ.get("ISIM_SHARED_DATA", "../shared/data")) / "traces"
"""Recorded requests, which do not come with isim."""
FILES = {
    "Azure code": TRACES / "azure-llm-2023" / "AzureLLMInferenceTrace_code.csv",
    "DISB REAL": TRACES / "disb" / "REAL.json",
}
PROCESSES = {"Poisson": "poisson", "on-off bursts": "on-off:on=200ms,off=200ms"}
WORKLOADS = ("Poisson", "Azure code", "DISB REAL", "on-off bursts")
TASKS_OF_DISB = 5
WINDOWS_OF_AZURE = 5


def absent(workload: str) -> str:
    """Return why a workload cannot be had, or nothing."""
    path = FILES.get(workload)
    return "" if path is None or path.is_file() else f"{path}: no such file; recorded requests do not come with isim"


@cache
def profile() -> Profile:
    """Return the profile of all six models."""
    return read_profile(PROFILE, tuple(NAMES))


@cache
def objectives(factor: float) -> Mapping[str, str]:
    """Return the objective of each model: a multiple of what a single sample takes alone on the GPU."""
    operations = Operations(profile(), NAMES)
    return {model: f"{factor * operations.solo_s(model, 1):.9f}s" for model in NAMES}


def requests(workload: str, seed: int, rate_rps: float, duration_s: float, folder: Path) -> dict[str, Any]:
    """Return the experiment's keys that say which requests a replication serves; writes a recorded trace into `folder`.

    Parameters
    ----------
    rate_rps
        The mean; of recorded requests the tempo is changed to it, so that the pattern stays.
    duration_s
        Of generated requests.
    """
    if workload in PROCESSES:
        return {"arrivals": {"process": PROCESSES[workload], "rate": f"{rate_rps}rps", "duration": f"{duration_s}s"}}
    trace = dealt(workload, seed)
    tempo = rate_rps * trace.duration_ns / 1e9 / len(trace)
    path = folder / "requests.parquet"
    scale_time(TraceStream.of(trace), tempo).collected().write(path)
    return {"trace": str(path)}


@cache
def dealt(workload: str, seed: int) -> Trace:
    """Return recorded requests with models, which they do not name, or not those of a profile here.

    Of Azure's hour a seed takes the next fifth of the requests, and deals each to one of the six models at random. Of
    DISB it takes all, and its five tasks become five of the six models, other ones at each seed.
    """
    return _DEALT[workload](FILES[workload], seed)


def _azure(path: Path, seed: int) -> Trace:
    whole = read_azure_llm(path, "llm")
    edges_ns = np.quantile(whole.arrival_ns, np.linspace(0, 1, WINDOWS_OF_AZURE + 1)).astype(int)
    start_ns, end_ns = (int(edge_ns) for edge_ns in edges_ns[seed % WINDOWS_OF_AZURE :][:2])
    window = cut(TraceStream.of(whole), start_ns, end_ns).collected()
    return map_models(window, dict.fromkeys(NAMES, 1.0), "weights", seed=seed)


def _disb(path: Path, seed: int) -> Trace:
    order = np.random.default_rng(seed).permutation(NAMES)[:TASKS_OF_DISB]
    return map_models(read_disb(path, 0), dict.fromkeys(map(str, order), 1.0), by="model")


_DEALT: Mapping[str, Callable[[Path, int], Trace]] = {"Azure code": _azure, "DISB REAL": _disb}
