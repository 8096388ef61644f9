"""Azure's LLM traces: the real files of 2023, and rows in the format of 2024."""

import gzip
from datetime import datetime
from pathlib import Path

import pytest

from isim.errors import TraceError
from isim.traces.importers.azure_llm import read_azure_llm
from isim.traces.statistics import describe

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens\n"


@pytest.mark.parametrize(
    ("name", "requests", "cv", "rate_rps", "dispersion", "sha256"),
    [
        ("code", 8_819, 13.15, 2.57, (13.2, 71.9, 166.9), "54e9a6d2a4bd"),
        ("conv", 19_366, 1.09, 5.53, (1.39, 3.87, 16.4), "2f1e5b666d4e"),
    ],
)
def test_the_files_of_2023(
    shared_data: Path,
    name: str,
    requests: int,
    cv: float,
    rate_rps: float,
    dispersion: tuple[float, float, float],
    sha256: str,
) -> None:
    path = shared_data / "traces" / "azure-llm-2023" / f"AzureLLMInferenceTrace_{name}.csv"
    trace = read_azure_llm(path)
    figures = describe(trace)
    assert len(trace) == requests
    assert figures["gap_cv"] == pytest.approx(cv, abs=0.005)
    assert figures["rate_rps"] == pytest.approx(rate_rps, abs=0.005)
    for width, expected in zip((1, 10, 60), dispersion, strict=True):
        assert figures[f"index_of_dispersion_{width}s"] == pytest.approx(expected, rel=0.005)
    # An independent reading of every row, in Python's own arithmetic.
    lines = path.read_text(encoding="utf-8-sig").splitlines()[1:]
    rows = [line.split(",") for line in lines]
    start = datetime.fromisoformat(rows[0][0][:19])
    whole = [int((datetime.fromisoformat(row[0][:19]) - start).total_seconds()) * 10**9 for row in rows]
    clock = [second + int(row[0][20:]) * 100 for second, row in zip(whole, rows, strict=True)]
    assert trace.arrival_ns.tolist() == [time - clock[0] for time in clock]
    assert trace.table["input_tokens"].to_pylist() == [int(row[1]) for row in rows]
    assert trace.table["output_tokens"].to_pylist() == [int(row[2]) for row in rows]
    source = trace.footer["source"]
    assert source["licence"] == "CC-BY-4.0"
    assert "Splitwise" in source["citation"]
    assert source["sha256"].startswith(sha256)
    assert (source["file"], source["rows_in"], source["rows_dropped"]) == (path.name, requests, {})
    assert trace.footer["time_resolution_ns"] == 100


ROWS_OF_2024 = (
    "2024-05-10 00:00:00+00:00,2162,5\n"
    "2024-05-10 00:00:00.009930+00:00,2399,6\n"
    "2024-05-10 00:00:00.0099301+00:00,76,15\n"
)


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + ROWS_OF_2024).encode(),
        ("\ufeff" + HEADER + ROWS_OF_2024).replace("\n", "\r\n").encode(),
        gzip.compress((HEADER + ROWS_OF_2024).encode()),
        (HEADER + ROWS_OF_2024).replace(" ", "T").replace("+00:00", "Z").encode().rstrip(),
    ],
    ids=["plain", "byte order mark and CRLF", "gzip", "ISO"],
)
def test_the_format_of_2024(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "week.csv"
    path.write_bytes(content)
    trace = read_azure_llm(path, model="gpt")
    assert trace.arrival_ns.tolist() == [0, 9_930_000, 9_930_100]
    assert trace.table["input_tokens"].to_pylist() == [2162, 2399, 76]
    assert trace.models == ("gpt",)
    assert trace.footer["epoch"] == "2024-05-10T00:00:00.000000000"
    assert "DynamoLLM" in trace.footer["source"]["citation"]


def test_rows_out_of_order_are_sorted_and_ties_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(HEADER + "".join(f"2024-05-10 00:00:0{2 - number % 2},{number},1\n" for number in range(200)))
    trace = read_azure_llm(path)
    assert trace.arrival_ns.tolist() == [0] * 100 + [10**9] * 100
    assert trace.table["input_tokens"].to_pylist() == [*range(1, 200, 2), *range(0, 200, 2)]


def test_rows_that_cannot_be_read_are_dropped_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    good = "2023-11-16 18:17:03.9799600,4808,10\n"
    bad = "yesterday,1,1\n,1,1\n2023-13-16 18:17:03,1,1\n2023-11-16 18:17:03,,1\n2023-11-16 18:17:03,1,-1\n1,2\n"
    path.write_text(HEADER + good + bad)
    source = read_azure_llm(path).footer["source"]
    assert source["rows_in"] == 7
    assert source["rows_dropped"] == {
        "TIMESTAMP not readable": 3,
        "ContextTokens not readable": 1,
        "GeneratedTokens not readable": 1,
        "wrong number of columns": 1,
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "not a CSV table with a header (its first line is empty); check the file"),
        (
            b"timestamp,input_length\n1,2\n",
            "not an Azure LLM inference trace (no column TIMESTAMP, ContextTokens, GeneratedTokens; "
            "has: timestamp, input_length); name its columns with 'isim import trace csv'",
        ),
        (HEADER.encode(), "no row can be read (no rows); check the file"),
        ((HEADER + "x,1,1\n").encode(), "no row can be read (TIMESTAMP not readable: 1); check the file"),
        (
            gzip.compress(HEADER.encode(), mtime=0)[:-5],
            "not a CSV table with a header (Compressed file ended before the end-of-stream marker was reached); "
            "check the file",
        ),
        (
            (HEADER + "2023-02-30 00:00:00,1,1\n").encode(),
            "no row can be read (TIMESTAMP not readable: 1); check the file",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TraceError) as error:
        read_azure_llm(path)
    assert str(error.value) == f"{path}: {problem}"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as error:
        read_azure_llm(tmp_path / "none.csv")
    assert str(error.value) == f"{tmp_path / 'none.csv'}: no such file; check the path"
