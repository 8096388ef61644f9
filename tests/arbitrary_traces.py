"""Any small trace, for hypothesis, and any division of one into chunks."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5)


@st.composite
def traces(draw: st.DrawFn, largest_ns: int = 10**18, families: bool = False) -> Trace:
    """Return any small trace, with any of the optional columns, some of their values missing."""
    arrivals = sorted(draw(st.lists(st.integers(0, largest_ns), min_size=1, max_size=12)))
    count = len(arrivals)

    def column(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.lists(st.none() | values, min_size=count, max_size=count)

    optional = {
        "slo_ns": column(st.integers(1, 2**62)),
        "priority": column(st.integers(-(2**15), 2**15 - 1)),
        "tenant": column(NAMES),
        "batch": column(st.integers(1, 2**31 - 1)),
        "work": column(st.floats(0.015625, 100, width=32)),
        "prefix_blocks": column(st.lists(st.integers(0, 2**31 - 1), max_size=3)),
        "x_flag": column(st.booleans()),
        "x_note": column(NAMES),
    }
    if families:
        optional["session_id"] = column(st.integers(0, 3))
        optional["parent_id"] = column(st.integers(0, count - 1))
        optional["think_ns"] = column(st.integers(0, 10**9))
    chosen = draw(st.lists(st.sampled_from(sorted(optional)), unique=True))
    return Trace.from_columns(
        arrival_ns=arrivals,
        model=draw(st.lists(NAMES, min_size=count, max_size=count)),
        duration_ns=arrivals[-1] + draw(st.integers(0, 10**6)),
        footer={"epoch": None, "source": {"name": draw(NAMES)}},
        **{name: draw(optional[name]) for name in chosen},
    )


def in_chunks(trace: Trace, rows: int) -> TraceStream:
    """Return the trace as a stream of chunks of so many rows."""

    def opened() -> Iterator[pa.Table]:
        for start in range(0, len(trace), rows):
            yield trace.table.slice(start, rows)

    return TraceStream(trace.footer, opened)
