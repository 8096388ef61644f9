"""Record the profile of several models at several batch sizes, so that an interruption costs one batch at most."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from isim.profiler.campaign import campaign_key, identity, measured_footer
from isim.profiler.device.contract import Bench
from isim.profiler.journal import Journal
from isim.profiler.profile import Profile
from isim.profiler.schema import SCHEMA
from isim.profiler.solo import measure_solo
from isim.profiler.stopping import Stopping


def record_profile(
    bench: Bench,
    models: Sequence[str],
    batch_sizes: Sequence[int],
    output: str | Path,
    *,
    stopping: Stopping | None = None,
    force: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Profile:
    """Measure every model at every batch size and write the profile, whole or not at all.

    Parameters
    ----------
    models
        As the device's `load` knows them.
    progress
        Told before each batch what comes.

    Raises
    ------
    ProfileError
        A batch cannot be measured or a file not written; the same call goes on where this one stopped.

    Examples
    --------
    >>> from isim.profiler.device.cpu import open_bench
    >>> few = Stopping(min_repetitions=2, min_s=0.0, timeout_s=0.1)
    >>> profile = record_profile(open_bench("cpu"), ["mlp"], [1], "mlp.parquet", stopping=few)
    >>> profile.origin, profile.models, profile.batch_sizes("mlp")
    ('measured', ('mlp',), (1,))
    """
    stopping = stopping or Stopping()
    units = [(model, size) for model in dict.fromkeys(models) for size in sorted(set(batch_sizes))]
    key = {
        "records": "profile",
        "models": {model: identity(model) for model in models},
        "batch_sizes": sorted(set(batch_sizes)),
        **campaign_key(bench),
        "stopping": asdict(stopping),
    }
    with Journal(output, key, force) as journal:
        for number, (model, batch_size) in enumerate(units):
            name = f"{model}@{batch_size}"
            if name not in journal.results:
                progress(f"{number + 1}/{len(units)} {name}")
                journal.add(name, measure_solo(bench, model, batch_size, stopping))
        results = [journal.results[f"{model}@{size}"] for model, size in units]
        profile = _profile(bench, results, stopping)
        profile.write(output, force)
        journal.finish()
    return profile


def _profile(bench: Bench, results: list[dict[str, Any]], stopping: Stopping) -> Profile:
    rows = [row for result in results for row in result["operations"]]
    columns = {name: [row.get(name) for row in rows] for name in SCHEMA.names}
    table = pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()})
    batches = [{name: value for name, value in result.items() if name != "operations"} for result in results]
    repetitions = sum(batch["repetitions"] for batch in batches)
    rejected = sum(batch["repetitions"] * batch["rejected_share"] for batch in batches)
    footer = {
        **measured_footer(bench),
        "method": {
            "warm_up": "three batches, 0.5 s, and until the clock left idle",
            "cache": "warm: batches run back to back",
            "stopping": asdict(stopping),
            "recorder": bench.recorder.name if bench.recorder else "events only: a batch is one operation",
            "counters": {"name": bench.counters.name, **bench.counters.settings} if bench.counters else None,
        },
        "rejected_share": rejected / repetitions,
        "batches": batches,
    }
    return Profile.from_table(table, footer)
