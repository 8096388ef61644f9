"""Put imported batches together into one profile."""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

from isim import __version__
from isim.errors import ProfileError
from isim.profiler.importers.kernel_table import KernelTable
from isim.profiler.profile import Profile
from isim.profiler.schema import SCHEMA


def combine_kernel_tables(
    tables: Sequence[KernelTable], *, device: str | None = None, source: str | None = None, licence: str | None = None
) -> Profile:
    """Combine batches into one profile of origin `imported`.

    Parameters
    ----------
    device
        Name of the GPU they were measured on.
    source, licence
        Where the tables come from, and under which terms.

    Raises
    ------
    ProfileError
        There is no batch, or two are of the same model and batch size.
    """
    batches = Counter((table.model, table.batch_size) for table in tables)
    twice = [
        f"kernel tables: {model} at batch size {batch_size} is given {count} times; give each batch once"
        for (model, batch_size), count in batches.items()
        if count > 1
    ]
    if twice:
        raise ProfileError(*twice)
    rows = [{**dict.fromkeys(SCHEMA.names), **row} for table in tables for row in table.rows]
    footer = {
        "origin": "imported",
        "backend": "kernel-table",
        "device": {"name": device},
        "versions": {"isim": __version__},
        "method": "tables of kernels measured by others; host time is what the solo period exceeds the kernels by",
        "tables": [table.facts for table in sorted(tables, key=lambda table: (table.model, table.batch_size))],
        "source": source,
        "licence": licence,
    }
    return Profile.from_table(pa.Table.from_pylist(rows, schema=SCHEMA), footer, "kernel tables")
