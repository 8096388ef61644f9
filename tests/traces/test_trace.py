"""The trace file: everything kept, equal content equal bytes, every problem named at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from arbitrary_traces import traces
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import TraceError
from isim.traces.trace import Trace


@given(traces())
def test_writing_and_reading_keeps_everything(tmp_path_factory: pytest.TempPathFactory, trace: Trace) -> None:
    path = tmp_path_factory.mktemp("trace") / "t.parquet"
    trace.write(path)
    read = Trace.read(path)
    assert read.table.equals(trace.table)
    assert read.footer == trace.footer
    assert read.digest() == trace.digest()
    again = path.with_name("again.parquet")
    read.write(again)
    assert again.read_bytes() == path.read_bytes()


@given(traces(), st.randoms())
def test_digest_follows_the_content_and_not_its_layout(trace: Trace, random: Any) -> None:
    cut = random.randint(0, len(trace))
    pieces = pa.concat_tables([trace.table.slice(0, cut), trace.table.slice(cut)])
    names = random.sample(pieces.column_names, len(pieces.column_names))
    other = {**trace.footer, "source": {"name": "somewhere else", "file": "other.csv"}}
    assert Trace.from_table(pieces.select(names), other).digest() == trace.digest()
    longer = Trace.from_table(trace.table, {**trace.footer, "duration_ns": trace.duration_ns + 1})
    assert longer.digest() != trace.digest()
    renamed = pa.array([f"{name}'" for name in trace.table["model"].to_pylist()])
    assert trace.revised({"op": "rename"}, model=renamed).digest() != trace.digest()


def test_a_missing_value_differs_from_a_zero_and_has_its_place() -> None:
    digests = {
        Trace.from_columns(arrival_ns=[0, 1, 2], model="a", input_tokens=tokens).digest()
        for tokens in ([None, 0, 1], [0, None, 1], [0, 0, 1])
    }
    assert len(digests) == 3


def test_what_is_left_out_is_filled_in() -> None:
    trace = Trace.from_columns(arrival_ns=[3, 3, 9], model=["b", "a", "b"], tenant=[None, None, None])
    assert trace.table.column_names == ["arrival_ns", "model", "request_id"]
    assert trace.table["request_id"].to_pylist() == [0, 1, 2]
    assert trace.models == ("a", "b")
    assert trace.model_codes.tolist() == [1, 0, 1]
    assert trace.footer == {"schema": "1", "kind": "requests", "duration_ns": 9}


def test_the_footer_is_a_copy() -> None:
    trace = Trace.from_columns(arrival_ns=[0], model="a", duration_ns=5)
    trace.footer["duration_ns"] = 7
    assert trace.duration_ns == 5


def test_revised_appends_to_the_history() -> None:
    trace = Trace.from_columns(arrival_ns=[0], model="a")
    revised = trace.revised({"op": "one"}).revised({"op": "two"}, {"epoch": "2024-01-01"}, batch=[2])
    assert revised.footer["history"] == [{"op": "one"}, {"op": "two"}]
    assert revised.footer["epoch"] == "2024-01-01"
    assert revised.table["batch"].to_pylist() == [2]
    assert "history" not in trace.footer


@pytest.mark.parametrize(
    ("columns", "problems"),
    [
        ({"arrival_ns": [], "model": []}, ["no requests; a trace needs at least one"]),
        ({"arrival_ns": [-1], "model": "a"}, ["arrival_ns must be >= 0 (found -1 in row 0); correct it"]),
        (
            {"arrival_ns": [0.0, np.nan], "model": "a"},
            ["column 'arrival_ns' is not int64 (found nan in row 1); correct it"],
        ),
        ({"arrival_ns": [0.5], "model": "a"}, ["column 'arrival_ns' is not int64 (found 0.5 in row 0); correct it"]),
        ({"arrival_ns": [0, None], "model": "a"}, ["column 'arrival_ns' is empty in row 1; fill it in"]),
        (
            {"arrival_ns": [0, 1, 2], "model": ["a", None, None]},
            ["column 'model' is empty in row 1 and 1 more; fill it in"],
        ),
        ({"arrival_ns": [0, 1], "model": ["a", ""]}, ["column 'model' is empty in row 1; fill it in"]),
        ({"arrival_ns": [0, 1], "model": ""}, ["the model has no name (found '' in row 0 and 1 more); name it"]),
        (
            {"arrival_ns": [0, 1, 5, 2], "model": "a", "duration_ns": 5},
            [
                "not sorted by arrival: row 3 is the first that arrives before the one above it "
                "(found 2 after 5 ns); sort the file ('isim import trace csv --sort' does)"
            ],
        ),
        (
            {"arrival_ns": [0, 1], "model": "a", "request_id": [4, 4]},
            ["request_id is not unique (found 4 more than once); number the requests"],
        ),
        (
            {"arrival_ns": [1, 1], "model": "a", "request_id": [4, 3]},
            ["simultaneous requests are not sorted by request_id; sort by arrival_ns, then request_id"],
        ),
        (
            {"arrival_ns": [0, 4, 5], "model": "a", "duration_ns": 4},
            ["arrivals after the observed 4 ns (found 5 ns in row 2); raise duration_ns or cut the trace"],
        ),
        (
            {"arrival_ns": [0], "model": "a", "duration_ns": -4},
            ["duration_ns of the footer is not a whole number >= 0 (found -4); give the observed time in ns"],
        ),
        (
            {"arrival_ns": [0], "model": "a", "deadline": [1]},
            ["column 'deadline' is not part of a trace; call it 'x_deadline' to keep it"],
        ),
        (
            {"arrival_ns": [0], "model": "a", "batchs": [1]},
            ["column 'batchs' is not part of a trace; did you mean 'batch'? otherwise call it 'x_batchs' to keep it"],
        ),
        (
            {"arrival_ns": np.array(["2024-01-01"], "M8[us]"), "model": "a"},
            ["column 'arrival_ns' is not int64 (found datetime.datetime(2024, 1, 1, 0, 0) in row 0); correct it"],
        ),
        (
            {"arrival_ns": [0, 1], "model": "a", "slo_ns": [5, 0], "batch": [0, 0], "work": [1.0, np.nan]},
            [
                "slo_ns must be >= 1 (found 0 in row 1); correct it",
                "batch must be >= 1 (found 0 in row 0 and 1 more); correct it",
                "work must be > 0 and finite (found nan in row 1); correct it",
            ],
        ),
        (
            {"arrival_ns": [0, 1], "model": "a", "work": [0.0, np.inf]},
            ["work must be > 0 and finite (found 0 in row 0 and 1 more); correct it"],
        ),
        (
            {"arrival_ns": [0], "model": "a", "footer": {"schema": "2", "kind": "rates"}},
            [
                "schema version '2' is unknown (this isim reads '1'); write the trace again with this version",
                "kind is 'rates', not 'requests'; a run needs the arrival of each request; "
                "expand rates with 'isim trace expand'",
            ],
        ),
    ],
)
def test_all_problems_are_named_at_once(columns: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(TraceError) as error:
        Trace.from_columns(**columns, where="t.parquet")
    assert list(error.value.problems) == [f"t.parquet: {problem}" for problem in problems]


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(TraceError, match=r"^trace: not columns of equal length and one type each "):
        Trace.from_columns(arrival_ns=[0, 1], model=["a"])


def test_a_footer_that_is_not_json_is_refused() -> None:
    with pytest.raises(TraceError, match="the footer is not JSON"):
        Trace.from_columns(arrival_ns=[0], model="a", footer={"source": float("nan")})


def test_an_existing_file_stays_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("precious")
    trace = Trace.from_columns(arrival_ns=[0], model="a")
    with pytest.raises(TraceError) as error:
        trace.write(path)
    assert str(error.value) == f"{path}: exists already; choose another path or replace it with -f/--force"
    assert path.read_text() == "precious"
    trace.write(path, force=True)
    assert Trace.read(path).digest() == trace.digest()


def test_nothing_is_left_of_a_failed_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(writer: pq.ParquetWriter, table: pa.Table, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", fail)
    path = tmp_path / "t.parquet"
    with pytest.raises(TraceError) as error:
        Trace.from_columns(arrival_ns=[0], model="a").write(path)
    assert str(error.value) == f"{path}: cannot be written (No space left on device); choose another path"
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_plain_parquet_with_its_footer(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    Trace.from_columns(arrival_ns=[0, 1], model=["b", "a"], duration_ns=7).write(path)
    file = pq.ParquetFile(path)
    assert file.schema_arrow.metadata[b"isim.trace"] == b'{"duration_ns": 7, "kind": "requests", "schema": "1"}'
    columns = [file.metadata.row_group(0).column(index) for index in range(3)]
    assert {column.compression for column in columns} == {"ZSTD"}
    assert ["DELTA_BINARY_PACKED" in column.encodings for column in columns] == [True, False, True]


def test_the_least_file_is_two_columns(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"model": ["a", "b"], "arrival_ns": [0, 1]}), path)
    assert Trace.read(path).digest() == Trace.from_columns(arrival_ns=[0, 1], model=["a", "b"]).digest()


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"PAR1", "not a readable Parquet file (Parquet file size is 4 bytes, smaller than the minimum file footer"),
        (b"arrival_s,model\n0,a\n" * 3, "not a readable Parquet file (Parquet magic bytes not found"),
    ],
)
def test_what_is_not_parquet_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    with pytest.raises(TraceError) as error:
        Trace.read(path)
    assert str(error.value).startswith(f"{path}: {problem}")
    assert str(error.value).endswith("); convert it with 'isim import trace'")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as error:
        Trace.read(tmp_path / "t.parquet")
    expected = f"{tmp_path / 't.parquet'}: no such file; make one with 'isim trace make' or 'isim import trace'"
    assert str(error.value) == expected


@pytest.mark.parametrize(
    ("footer", "problem"),
    [
        ("[]", "the footer 'isim.trace' is not a JSON object; write the trace again"),
        ("{", "the footer 'isim.trace' is not a JSON object; write the trace again"),
        ("{}", "schema version None is unknown (this isim reads '1'); write the trace again with this version"),
    ],
)
def test_a_broken_footer_is_refused(tmp_path: Path, footer: str, problem: str) -> None:
    path = tmp_path / "t.parquet"
    table = pa.table({"arrival_ns": [0], "model": ["a"]})
    pq.write_table(table.replace_schema_metadata({"isim.trace": footer}), path)
    with pytest.raises(TraceError) as error:
        Trace.read(path)
    assert str(error.value) == f"{path}: {problem}"


def test_a_missing_column_says_what_there_is(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x_time": [0], "x_name": ["a"]}), path)
    with pytest.raises(TraceError) as error:
        Trace.read(path)
    has = "(has: x_time, x_name); add it"
    assert error.value.problems == (f"{path}: no column 'arrival_ns' {has}", f"{path}: no column 'model' {has}")


def test_csv_times_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("\ufeffarrival_s,model,batch,x_note\r\n0.1,a,,hi\r\n1700000000.123456789,b,2,\r\n".encode())
    trace = Trace.read(path)
    assert trace.arrival_ns.tolist() == [100_000_000, 1_700_000_000_123_456_789]
    assert trace.table["batch"].to_pylist() == [None, 2]
    assert trace.table["x_note"].to_pylist() == ["hi", None]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "arrival_s,model\n0,a\nsoon,a\n",
            "column 'arrival_s' is not a time in s (found 'soon' in line 3); correct it",
        ),
        ("arrival_s,model\n1e30,a\n", "column 'arrival_s' is not a time in s (found '1e30' in line 2); correct it"),
        ("arrival_ns,model\n0,a\n1.5,a\n", "column 'arrival_ns' is not int64 (found '1.5' in line 3); correct it"),
        ("arrival_s,model\n0,a\n1,\n", "column 'model' is empty in line 3; fill it in"),
        (
            "arrival_s,model\n2,a\n1,a\n",
            "not sorted by arrival: line 3 is the first that arrives before the one above it "
            "(found 1000000000 after 2000000000 ns); sort the file ('isim import trace csv --sort' does)",
        ),
        ("", "not a CSV table with a header (its first line is empty); check the file"),
        (
            "arrival_s,model\n0\n",
            "not a CSV table with a header (CSV parse error: Expected 2 columns, got 1: 0); check the file",
        ),
    ],
)
def test_a_bad_csv_names_its_line(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(TraceError) as error:
        Trace.read(path)
    assert str(error.value) == f"{path}: {problem}"
