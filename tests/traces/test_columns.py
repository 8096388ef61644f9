"""Any CSV file by the names of its columns."""

import gzip
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isim.errors import TraceError
from isim.traces.delimited import DIGITS, to_ns
from isim.traces.importers.columns import read_columns

TEXT = "when,who,limit,size\n1000.5,bert,20,\n1000.5,resnet50,,4\n1002,bert,30,1\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "requests.csv"
    path.write_text(text)
    return path


def test_columns_by_their_names(tmp_path: Path) -> None:
    trace = read_columns(
        written(tmp_path, TEXT),
        arrival_column="when",
        arrival_unit="ms",
        model_column="who",
        slo_column="limit",
        slo_unit="s",
        columns={"batch": "size"},
    )
    assert trace.arrival_ns.tolist() == [0, 0, 1_500_000]
    assert trace.table["model"].to_pylist() == ["bert", "resnet50", "bert"]
    assert trace.table["slo_ns"].to_pylist() == [20 * 10**9, None, 30 * 10**9]
    assert trace.table["batch"].to_pylist() == [None, 4, 1]
    assert trace.footer["source"]["rows_in"] == 3
    assert trace.footer["source"]["file"] == "requests.csv"


def test_one_model_and_the_clock_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "requests.csv"
    path.write_bytes(gzip.compress(TEXT.encode()))
    trace = read_columns(path, arrival_column="when", arrival_unit="us", model="vit", origin="zero")
    assert trace.arrival_ns.tolist() == [1_000_500, 1_000_500, 1_002_000]
    assert trace.models == ("vit",)


def test_an_unsorted_file_is_sorted_only_on_demand(tmp_path: Path) -> None:
    path = written(tmp_path, "t,m,id\n5,a,0\n3,b,1\n5,c,2\n4,d,3\n")
    arguments: dict[str, Any] = {"arrival_column": "t", "arrival_unit": "s", "model_column": "m"}
    with pytest.raises(TraceError) as error:
        read_columns(path, **arguments)
    assert str(error.value) == (
        f"{path}: not sorted by arrival: line 3 is the first that arrives before the one above it "
        "(found 0 after 2000000000 ns); sort the file ('isim import trace csv --sort' does)"
    )
    trace = read_columns(path, **arguments, sort=True)
    assert trace.table["model"].to_pylist() == ["b", "d", "a", "c"]
    assert trace.arrival_ns.tolist() == [0, 10**9, 2 * 10**9, 2 * 10**9]


def test_problems_name_the_line_of_the_file_even_when_sorted(tmp_path: Path) -> None:
    path = written(tmp_path, "t,m,size\n5,a,0\n3,b,1\n")
    with pytest.raises(TraceError) as error:
        read_columns(path, arrival_column="t", arrival_unit="s", model_column="m", columns={"batch": "size"}, sort=True)
    assert str(error.value) == f"{path}: batch must be >= 1 (found 0 in line 2); correct it"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"arrival_column": "ts"}, "no single column 'ts' (has: when, who, limit, size); correct the name"),
        ({"arrival_column": "who"}, "column 'who' is not a time in ms (found 'bert' in line 2); correct it"),
        ({"arrival_column": "size"}, "column 'arrival_ns' is empty in line 2; fill it in"),
        ({"model": "a"}, "the model must come from a column or be one for all; give exactly one of the two"),
        ({"arrival_unit": "h"}, "no unit of time 'h'; choose one of s, ms, us, ns"),
        ({"origin": "last"}, "no origin 'last'; choose one of first, zero"),
        ({"columns": {"batch": "who"}}, "column 'batch' is not int32 (found 'bert' in line 2); correct it"),
        ({"columns": {"weight": "size"}}, "column 'weight' is not part of a trace; call it 'x_weight' to keep it"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    path = written(tmp_path, TEXT)
    arguments = {"arrival_column": "when", "arrival_unit": "ms", "model_column": "who", **changes}
    with pytest.raises(TraceError) as error:
        read_columns(path, **arguments)
    assert error.value.problems[0] == f"{path}: {problem}"


FLOATS = st.floats(-1e6, 1e9).filter(lambda number: number == 0 or abs(number) > 1e-25)


@given(
    st.lists(st.decimals(-(10**6), 10**9, places=20) | FLOATS, min_size=1),
    st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_times_are_rounded_once_and_exactly(numbers: list[Decimal | float], unit: str) -> None:
    texts = [str(number) for number in numbers]
    scale = Decimal(10) ** DIGITS[unit]
    expected = [int((Decimal(text) * scale).to_integral_value(ROUND_HALF_EVEN)) for text in texts]
    # Half a nanosecond may go either way, but nothing else.
    for text, got, want in zip(texts, to_ns(pa.chunked_array([texts]), unit).to_pylist(), expected, strict=True):
        assert got == want or abs(Decimal(text) * scale - got) == Decimal("0.5")
