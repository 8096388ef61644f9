"""Put imported batches together into one profile."""

from collections import Counter
from collections.abc import Iterator, Sequence

import pyarrow as pa

from isim import __version__
from isim.errors import ProfileError
from isim.profiler.importers.batch import ImportedBatch
from isim.profiler.profile import Profile
from isim.profiler.schema import SCHEMA


def combine_kernel_tables(
    tables: Sequence[ImportedBatch], *, device: str | None = None, source: str | None = None, licence: str | None = None
) -> Profile:
    """Combine kernel tables into one profile; see `combine`.

    Examples
    --------
    >>> rows = ({"kind": "kernel", "name": "gemm", "duration_ns": 900, "gap_ns": 0},)
    >>> batch = ImportedBatch("bert", 8, rows, {"file": "bert8.csv"})
    >>> combine_kernel_tables([batch], device="V100").footer["device"]
    {'name': 'V100'}
    """
    method = "tables of kernels measured by others; host time is what the solo period exceeds the kernels by"
    return combine(tables, backend="kernel-table", method=method, device=device, source=source, licence=licence)


def combine(
    batches: Sequence[ImportedBatch],
    *,
    backend: str,
    method: str,
    device: str | None = None,
    source: str | None = None,
    licence: str | None = None,
) -> Profile:
    """Combine batches into one profile of origin `imported`.

    Parameters
    ----------
    backend, method
        The format of the files, and in words how they were recorded and read.
    device
        Name of the GPU they were measured on, where the files do not say it.
    source, licence
        Where the files come from, and under which terms.

    Raises
    ------
    ProfileError
        There is no batch, two are of the same model and batch size, or they name different devices.

    Examples
    --------
    >>> rows = ({"kind": "kernel", "name": "gemm", "duration_ns": 900, "gap_ns": 0},)
    >>> batch = ImportedBatch("bert", 8, rows, {"file": "bert8.csv"})
    >>> combine([batch], backend="example", method="by hand", device="L4")
    <Profile imported: 1 batches of bert>
    >>> combine([batch, batch], backend="example", method="by hand")
    Traceback (most recent call last):
    isim.errors.ProfileError: bert at batch size 8 is given 2 times; give each batch once
    """
    problems = list(_problems(batches, device))
    if problems:
        raise ProfileError(*problems)
    rows = [
        {
            **dict.fromkeys(SCHEMA.names),
            **{"model": batch.model, "batch_size": batch.batch_size, "sm_share": 1.0, "position": position},
            **row,
        }
        for batch in batches
        for position, row in enumerate(batch.rows)
    ]
    facts = next((batch.device for batch in batches if batch.device), {})
    footer = {
        "origin": "imported",
        "backend": backend,
        "device": {"name": device, **facts},
        "versions": {"isim": __version__},
        "method": method,
        "sources": [batch.facts for batch in sorted(batches, key=lambda batch: (batch.model, batch.batch_size))],
        "source": source,
        "licence": licence,
    }
    where = f"what {backend} files hold"
    try:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
    except (pa.ArrowException, OverflowError) as error:
        raise ProfileError(f"{where}: a value that a profile cannot hold ({error}); export the files again") from None
    return Profile.from_table(table, footer, where)


def _problems(batches: Sequence[ImportedBatch], device: str | None) -> Iterator[str]:
    for (model, batch_size), count in Counter((batch.model, batch.batch_size) for batch in batches).items():
        if count > 1:
            yield f"{model} at batch size {batch_size} is given {count} times; give each batch once"
    names = {str(batch.device["name"]): batch.facts["file"] for batch in batches if batch.device.get("name")}
    if device and names:
        names[device] = "--device"
    if len(names) > 1:
        found = ", ".join(f"{name} in {file}" for name, file in sorted(names.items()))
        yield f"the batches were measured on different devices (found {found}); import one profile for each device"
