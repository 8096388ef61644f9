"""A trace read chunk by chunk is the trace read at once, and what is wrong is found wherever it lies."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arbitrary_traces import in_chunks, traces
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import TraceError
from isim.traces import parquet_file, trace_stream
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make row groups of three rows."""
    for module in (parquet_file, trace_stream):
        monkeypatch.setattr(module, "GROUP_ROWS", 3)
    return 3


def written(path: Path, footer: dict[str, Any] | None, **columns: Any) -> Path:
    """Write a file that need not be right, in row groups of three."""
    table = pa.table(columns)
    if footer is not None:
        import json

        table = table.replace_schema_metadata({"isim.trace": json.dumps(footer)})
    pq.write_table(table, path, row_group_size=3)
    return path


FOOTER = {"schema": "1", "kind": "requests", "duration_ns": 9}


@given(traces(), st.integers(1, 5))
def test_a_stream_is_its_trace(tmp_path_factory: pytest.TempPathFactory, trace: Trace, rows: int) -> None:
    folder = tmp_path_factory.mktemp("stream")
    trace.write(folder / "whole.parquet")
    survey = in_chunks(trace, rows).write(folder / "chunks.parquet")
    assert (folder / "chunks.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()
    assert survey == (len(trace), trace.models, trace.arrival_ns[-1])
    stream = TraceStream.read(folder / "whole.parquet")
    assert stream.survey() == survey
    assert stream.footer == trace.footer
    assert stream.collected().digest() == trace.digest()


def test_chunks_are_row_groups_and_can_be_read_again(tmp_path: Path, small_groups: int) -> None:
    trace = Trace.from_columns(arrival_ns=range(8), model=list("abcabcab"), batch=[None] * 3 + [1] * 5)
    trace.write(tmp_path / "t.parquet")
    assert pq.ParquetFile(tmp_path / "t.parquet").num_row_groups == 3
    stream = TraceStream.read(tmp_path / "t.parquet")
    assert [len(chunk) for chunk in stream] == [len(chunk) for chunk in stream] == [3, 3, 2]
    assert all(chunk.column_names == ["arrival_ns", "model", "request_id", "batch"] for chunk in stream)
    assert Trace.read(tmp_path / "t.parquet").digest() == trace.digest()


def test_a_csv_and_a_file_without_footer_are_streams_too(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("arrival_ns,model\n0,a\n7,b\n")
    assert TraceStream.read(tmp_path / "t.csv").survey() == (2, ("a", "b"), 7)
    path = written(tmp_path / "t.parquet", None, arrival_ns=[0, 1, 2, 8], model=["a"] * 4)
    stream = TraceStream.read(path)
    assert stream.duration_ns == 8
    assert stream.collected().table["request_id"].to_pylist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        (
            {"arrival_ns": [0, 1, 2, 1, 4, 5]},
            "not sorted by arrival: row 3 is the first that arrives before the one above it (found 1 after 2 ns); "
            "sort the file ('isim import trace csv --sort' does)",
        ),
        (
            {"arrival_ns": [0, 1, 2, 3, 4, 10]},
            "arrivals after the observed 9 ns (found 10 ns in row 5); raise duration_ns or cut the trace",
        ),
        (
            {"arrival_ns": [0, 1, 2, 3, 4, 5], "request_id": [3, 4, 5, 6, 7, 4]},
            "request_id is not unique (found 4 more than once); number the requests",
        ),
        (
            {"arrival_ns": [0, 1, 2, 2, 4, 5], "request_id": [3, 4, 5, 1, 7, 8]},
            "simultaneous requests are not sorted by request_id; sort by arrival_ns, then request_id",
        ),
        (
            {"arrival_ns": [0, 1, 2, 3, 4, 5], "batch": [1, 1, 1, 1, 0, 1]},
            "batch must be >= 1 (found 0 in row 4); correct it",
        ),
        ({"arrival_ns": [0, 1, 2, 3, None, 5]}, "column 'arrival_ns' is empty in row 4; fill it in"),
        ({"arrival_ns": []}, "no requests; a trace needs at least one"),
    ],
)
def test_problems_of_later_chunks_are_found(
    tmp_path: Path, small_groups: int, columns: dict[str, Any], problem: str
) -> None:
    model = pa.array(["a"] * len(columns["arrival_ns"]), pa.string())
    typed = {name: pa.array(values, pa.int64()) for name, values in columns.items()}
    path = written(tmp_path / "t.parquet", FOOTER, model=model, **typed)
    with pytest.raises(TraceError) as error:
        TraceStream.read(path).survey()
    assert str(error.value) == f"{path}: {problem}"
    with pytest.raises(TraceError):
        TraceStream.read(path).write(tmp_path / "out.parquet")
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


def test_ids_that_do_not_ascend_are_allowed(tmp_path: Path, small_groups: int) -> None:
    path = written(tmp_path / "t.parquet", FOOTER, arrival_ns=range(6), model=["a"] * 6, request_id=range(9, 3, -1))
    assert TraceStream.read(path).survey().requests == 6


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    Trace.from_columns(arrival_ns=range(100_000), model="a").write(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(TraceError, match="not a readable Parquet file"):
        TraceStream.read(path)
    middle = len(content) // 3
    path.write_bytes(content[:middle] + b"\0" * 2000 + content[middle + 2000 :])
    with pytest.raises(TraceError, match="not a readable Parquet file"):
        TraceStream.read(path).survey()


def test_nothing_left_is_nothing_written(tmp_path: Path) -> None:
    trace = Trace.from_columns(arrival_ns=[0], model="a")
    empty = TraceStream(trace.footer, lambda: iter([trace.table.slice(1)]))
    with pytest.raises(TraceError) as error:
        empty.write(tmp_path / "t.parquet")
    assert str(error.value) == f"{tmp_path / 't.parquet'}: nothing is left to write; keep more of the trace"
    with pytest.raises(TraceError, match="no request is left"):
        empty.collected()
    assert list(tmp_path.iterdir()) == []


def test_dictionaries_of_chunks_are_their_own(tmp_path: Path, small_groups: int) -> None:
    Trace.from_columns(arrival_ns=range(6), model=list("aaabbb")).write(tmp_path / "t.parquet")
    chunks = list(TraceStream.read(tmp_path / "t.parquet"))
    assert [chunk["model"].chunk(0).dictionary.to_pylist() for chunk in chunks] == [["a"], ["b"]]
    assert np.concatenate([chunk["request_id"].to_numpy() for chunk in chunks]).tolist() == list(range(6))
