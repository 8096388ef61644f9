"""Every public format: the real files where they are at hand, rows in each format, and damage of every kind."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isim.errors import TraceError
from isim.traces.expand import expand
from isim.traces.importers.azure_functions_2019 import read_azure_functions_2019
from isim.traces.importers.azure_functions_2021 import read_azure_functions_2021
from isim.traces.importers.azure_llm import read_azure_llm
from isim.traces.importers.burstgpt import read_burstgpt
from isim.traces.importers.columns import read_columns
from isim.traces.importers.counts import read_counts
from isim.traces.importers.detect import detect, read_detected
from isim.traces.importers.mooncake import read_mooncake
from isim.traces.importers.servegen import read_servegen
from isim.traces.statistics import describe
from isim.traces.trace import Trace

SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
Read = Callable[[Path], Trace]

LLM = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
FUNCTIONS = "app,func,end_timestamp,duration\n"
BURST = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
MOONCAKE = '{"timestamp": %s, "input_length": 5, "output_length": 3, "hash_ids": [1, 2]}\n'

# One good file of each format that holds requests: its reader, a header, and rows in order of time.
FORMATS: dict[str, tuple[Read, str, list[str]]] = {
    "azure-llm": (read_azure_llm, LLM, [f"2023-11-16 18:17:0{n}.9799600,{n},1\n" for n in range(4)]),
    "azure-functions-2021": (read_azure_functions_2021, FUNCTIONS, [f"a,f,{n}.5,0.5\n" for n in range(4)]),
    "burstgpt": (read_burstgpt, BURST, [f"{n},ChatGPT,{n},7,9,API log\n" for n in range(4)]),
    "mooncake": (read_mooncake, "", [MOONCAKE % (1000 * n) for n in range(4)]),
}
EVERY = pytest.mark.parametrize("name", FORMATS)


def file(folder: Path, content: str | bytes, name: str = "requests.txt") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# The real files


def test_mooncake_sits_on_a_grid_of_3_s(shared_data: Path) -> None:
    trace = read_mooncake(shared_data / "traces" / "mooncake" / "mooncake_conversation_head200.jsonl")
    assert len(trace) == 200
    assert trace.footer["time_resolution_ns"] == 3 * SECOND_NS
    assert trace.footer["prefix_block_tokens"] == 512
    assert len(np.unique(trace.arrival_ns)) == 25
    assert trace.arrival_ns[-1] == 72 * SECOND_NS
    assert trace.table["input_tokens"].to_pylist()[:4] == [6758, 7322, 7236, 2290]
    assert trace.table["prefix_blocks"].to_pylist()[3] == [0, 42, 43, 44, 45]


def test_azure_functions_2021_start_before_they_end(shared_data: Path) -> None:
    trace = read_azure_functions_2021(shared_data / "traces" / "azure-functions" / "azure_functions_2021_head199.csv")
    figures = describe(trace)
    assert len(trace) == 199
    assert len(set(trace.table["tenant"].to_pylist())) == 31
    assert figures["duration_s"] == pytest.approx(1200, abs=0.05)
    assert figures["rate_rps"] == pytest.approx(0.165, abs=0.001)
    assert figures["gap_cv"] == pytest.approx(1.87, abs=0.01)
    assert figures["index_of_dispersion_10s"] == pytest.approx(8.4, abs=0.05)
    assert figures["index_of_dispersion_60s"] == pytest.approx(10.7, abs=0.05)


def test_azure_functions_2019_are_counts(shared_data: Path) -> None:
    path = shared_data / "traces" / "azure-functions" / "azure_functions_2019_format_4rows.csv"
    rates = read_azure_functions_2019([path])
    lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
    counts = np.array([[int(cell) for cell in line[4:]] for line in lines])
    assert rates.footer["source"]["rows_in"] == 4
    assert rates.footer["duration_ns"] == 1440 * MINUTE_NS
    assert sum(rates.table["count"].to_pylist()) == counts.sum()
    assert len(rates) == (counts > 0).sum()
    minutes = np.bincount(rates.table["start_ns"].to_numpy() // MINUTE_NS, rates.numbers("count"), minlength=1440)
    assert minutes.tolist() == counts.sum(axis=0).tolist()
    assert len(expand(rates, "count", seed=1).collected()) == counts.sum()


def test_burstgpt_names_models_and_classes(shared_data: Path) -> None:
    trace = read_burstgpt(shared_data / "traces" / "burstgpt" / "BurstGPT_1_head30.csv")
    assert len(trace) == 30
    assert trace.models == ("ChatGPT", "GPT-4")
    assert trace.arrival_ns[:3].tolist() == [5 * SECOND_NS, 45 * SECOND_NS, 118 * SECOND_NS]
    assert trace.footer["time_resolution_ns"] == SECOND_NS
    assert set(trace.table["class"].to_pylist()) == {"Conversation log"}


@pytest.mark.parametrize(
    "client", ["deepseek-r1_chunk-35", "deepseek-r1_chunk-48", "mm-image_chunk-12", "mm-image_chunk-5"]
)
def test_servegen_keeps_rate_and_cv(shared_data: Path, client: str) -> None:
    path = shared_data / "traces" / "servegen" / f"servegen_{client}-trace.csv"
    rates = read_servegen([path])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    busy = [row for row in rows if float(row[1]) > 0]
    assert rates.footer["source"]["rows_in"] == len(rows) == 144
    assert rates.footer["source"]["idle_windows"] == len(rows) - len(busy)
    assert rates.duration_ns == 86_400 * SECOND_NS
    assert rates.table["start_ns"].to_pylist() == [int(row[0]) * SECOND_NS for row in busy]
    assert rates.rate_rps.tolist() == [float(row[1]) for row in busy]
    assert rates.table["dist"].to_pylist() == [row[3].lower() for row in busy]
    assert rates.numbers("cv") == pytest.approx([float(row[2]) for row in busy])
    assert set(rates.table["tenant"].to_pylist()) == {f"servegen_{client}"}


def test_a_peers_table_by_its_columns(shared_data: Path) -> None:
    trace = read_columns(
        shared_data / "traces" / "vidur_splitwise_code_head199.csv",
        arrival_column="arrived_at", arrival_unit="s", model="llm",
        columns={"input_tokens": "num_prefill_tokens", "output_tokens": "num_decode_tokens"},
    )  # fmt: skip
    assert len(trace) == 199
    assert trace.arrival_ns[:3].tolist() == [0, 52_000_000, 98_189_000]


def test_every_real_file_shows_its_format(shared_data: Path) -> None:
    folder = shared_data / "traces"
    found = {
        path.name: detect(path)
        for path in folder.rglob("*.*")
        if path.suffix in (".csv", ".json", ".jsonl") and not path.name.startswith("vidur")
    }
    assert len(found) == 16
    assert {name: found[name] for name in ("REAL.json", "BurstGPT_1_head30.csv")} == {
        "REAL.json": "disb",
        "BurstGPT_1_head30.csv": "burstgpt",
    }
    assert sorted(set(found.values())) == [
        "azure-functions-2019", "azure-functions-2021", "azure-llm", "burstgpt", "disb", "mooncake", "servegen",
    ]  # fmt: skip


# Damage


@EVERY
@pytest.mark.parametrize("repair", ["CRLF", "byte order mark", "gzip", "reordered", "no last line end", "spaces"])
def test_harmless_differences_are_read(tmp_path: Path, name: str, repair: str) -> None:
    read, header, rows = FORMATS[name]
    good = read(file(tmp_path, header + "".join(rows), "good.txt"))
    content = (header + "".join(rows)).encode()
    if repair == "CRLF":
        content = content.replace(b"\n", b"\r\n")
    elif repair == "byte order mark":
        content = b"\xef\xbb\xbf" + content
    elif repair == "gzip":
        content = gzip.compress(content)
    elif repair == "reordered":
        content = (header + "".join(rows[::-1])).encode()
    elif repair == "no last line end":
        content = content.rstrip()
    else:
        content = (header + "".join(rows)).replace(",", " , ").encode()
    damaged = read(file(tmp_path, content))
    assert damaged.digest() == good.digest()
    assert damaged.footer["source"]["rows_dropped"] == {}
    assert damaged.footer["source"]["rows_in"] == 4


BAD_CELLS = {
    "azure-llm": (LLM, "{time},1,1\n", "TIMESTAMP not readable", ["NaN", "-1", "", "1e18", "2023-02-30 00:00:00"]),
    "azure-functions-2021": (
        FUNCTIONS, "a,f,{time},0\n", "end_timestamp not readable", ["NaN", "-1", "", "inf", "1,5"]
    ),
    "burstgpt": (BURST, "{time},m,1,1,2,l\n", "Timestamp not readable", ["NaN", "-1", "", "inf", "midnight"]),
    "mooncake": ("", MOONCAKE.replace("%s", "{time}").replace("{\"", "{{\"").replace("]}", "]}}"),
                 "timestamp not readable", ["NaN", "-1", "null", '"noon"', "1e300"]),
}  # fmt: skip


@EVERY
def test_rows_that_make_no_sense_are_dropped_and_counted(tmp_path: Path, name: str) -> None:
    header, row, reason, times = BAD_CELLS[name]
    read, _, good = FORMATS[name]
    bad = [row.format(time=time) for time in times]
    source = read(file(tmp_path, header + "".join([*good, *bad]))).footer["source"]
    assert source["rows_in"] == 4 + len(bad)
    assert sum(source["rows_dropped"].values()) == len(bad)
    assert source["rows_dropped"][reason] >= len(bad) - 1


@EVERY
def test_a_file_cut_anywhere_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    read, header, rows = FORMATS[name]
    cut = (header + "".join(rows))[: -len(rows[-1]) // 2 - 1]
    trace = read(file(tmp_path, cut))
    assert len(trace) + sum(trace.footer["source"]["rows_dropped"].values()) == 4
    assert len(trace) >= 3
    with pytest.raises(TraceError) as error:
        read(file(tmp_path, gzip.compress((header + "".join(rows)).encode())[:-6]))
    assert "requests.txt: not a" in str(error.value)


@EVERY
def test_a_file_without_rows_or_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    read, header, _ = FORMATS[name]
    for content in (header, "", "x,y\n1,2\n", '{"x": 1}\n', "\x00\x01\x02", b"PAR1\x00\xff\xfe"):
        with pytest.raises(TraceError) as error:
            read(file(tmp_path, content))
        assert str(error.value).startswith(f"{tmp_path / 'requests.txt'}: ")
        assert "; " in str(error.value)
    with pytest.raises(TraceError, match="no such file; check the path"):
        read(tmp_path / "none")


def test_times_beyond_292_years_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as error:
        read_azure_functions_2021(file(tmp_path, FUNCTIONS + "a,f,1e18,0\n"))
    assert "a time is too large (beyond 292 years); check that times are in seconds" in str(error.value)
    with pytest.raises(TraceError, match="is no number that fits"):
        read_burstgpt(file(tmp_path, BURST + "1000000000000000000,m,1,1,2,l\n"))


def test_a_clock_in_the_wrong_unit_is_noted(tmp_path: Path) -> None:
    from isim.traces.oddities import oddities

    path = file(tmp_path, "t,m\n" + "".join(f"{1_700_000_000_000 + n},a\n" for n in range(9)))
    trace = read_columns(path, arrival_column="t", arrival_unit="ms", model_column="m", origin="zero")
    assert [note.partition(";")[0] for note in oddities(trace)] == ["arrivals span 19,676 days"]
    fast = read_columns(path, arrival_column="t", arrival_unit="ns", model_column="m")
    assert [note.partition(";")[0] for note in oddities(fast)] == ["1.12e+09 requests arrive per second"]


def test_ids_twice_are_refused(tmp_path: Path) -> None:
    path = file(tmp_path, '{"t": 1, "id": 7}\n{"t": 2, "id": 7}\n')
    with pytest.raises(TraceError) as error:
        read_columns(
            path, arrival_column="t", arrival_unit="s", model="a", columns={"request_id": "id"}, json_lines=True
        )
    assert str(error.value) == f"{path}: request_id is not unique (found 7 more than once); number the requests"


# The formats' own rules


def test_functions_of_2021_are_unique_inside_their_app_only(tmp_path: Path) -> None:
    rows = "a,f,10,9.5\nb,f,3.25,0.25\na,f,0.25,0.5\n"
    trace = read_azure_functions_2021(file(tmp_path, FUNCTIONS + rows), model="m")
    assert trace.table["tenant"].to_pylist() == ["a/f", "a/f", "b/f"]
    assert trace.arrival_ns.tolist() == [0, 750_000_000, 3_250_000_000]  # starts: -0.25, 0.5 and 3 s
    assert trace.table["rec_latency_ns"].to_pylist() == [500_000_000, 9_500_000_000, 250_000_000]


def test_burstgpt_failures_are_kept_or_dropped(tmp_path: Path) -> None:
    header = BURST.replace("\n", ",Session ID,Elapsed time\n")
    path = file(tmp_path, header + "1.5,GPT-4,7,0,7,API log,3,0.25\n2,GPT-4,7,5,12,API log,3,1.5\n")
    trace = read_burstgpt(path)
    assert trace.table["rec_status"].to_pylist() == ["failed", "succeeded"]
    assert trace.table["session_id"].to_pylist() == [3, 3]
    assert trace.table["rec_latency_ns"].to_pylist() == [250_000_000, 1_500_000_000]
    kept = read_burstgpt(path, drop_failed=True)
    assert kept.arrival_ns.tolist() == [2 * SECOND_NS]
    assert kept.footer["source"]["rows_dropped"] == {"failed (no response)": 1}


def test_days_of_2019_follow_each_other_and_equal_rows_are_added(tmp_path: Path) -> None:
    header = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\n"
    first = file(tmp_path, header + "o,a,f,http,0,2,0\no,a,f,http,1,3,0\np,a,f,timer,0,0,4\n", "d01.csv")
    second = file(tmp_path, header + "p,a,f,timer,5,0,0\nx,y,z,queue,1,-2,0\nx,y,z,queue,1,two,0\nx,y\n", "d02.csv")
    rates = read_azure_functions_2019([first, second])
    rows = [
        (row["tenant"], row["start_ns"] // MINUTE_NS, row["count"], row["x_trigger"]) for row in rates.table.to_pylist()
    ]
    assert rows == [
        ("o/a/f", 0, 1, "http"), ("o/a/f", 1, 5, "http"), ("p/a/f", 2, 4, "timer"), ("p/a/f", 1440, 5, "timer"),
    ]  # fmt: skip
    source = rates.footer["source"]
    assert source["rows_in"] == 7
    assert source["rows_dropped"] == {"a count not readable": 2, "wrong number of columns": 1}
    assert rates.duration_ns == 2 * 1440 * MINUTE_NS
    with pytest.raises(TraceError, match=r"not an Azure Functions trace of 2019 \(has: a, b\.\.\.\)|has: a, b"):
        read_azure_functions_2019([file(tmp_path, "a,b\n1,2\n")])


def test_windows_of_servegen_that_make_no_sense_are_dropped(tmp_path: Path) -> None:
    rows = [
        "0,1.5,2,Weibull,0.4,0.4", "600,0,0,,0,0", "1200,-1,1,Gamma,1,1", "1800,nan,1,Gamma,1,1", "0,9,9,Gamma,1,1",
        "2400,1,1,Normal,1,1", "3000,2,1,,,", "3601,2,1,Gamma,1,1", "4200,2",
    ]  # fmt: skip
    rates = read_servegen([file(tmp_path, "\n".join(rows) + "\n", "chunk-3-trace.csv")], model="llm")
    assert rates.table["start_ns"].to_pylist() == [0, 3000 * SECOND_NS]
    assert rates.table["dist"].to_pylist() == ["weibull", None]
    source = rates.footer["source"]
    assert (source["rows_in"], source["idle_windows"]) == (9, 1)
    assert source["rows_dropped"] == {
        "rate not readable": 2,
        "pattern not readable": 1,
        "a window listed twice, or off the grid of 600 s": 2,
        "wrong number of columns": 1,
    }
    assert set(rates.table["tenant"].to_pylist()) == {"chunk-3"}
    with pytest.raises(TraceError, match=r"not a client of ServeGen \(start not readable: 1\); check"):
        read_servegen([file(tmp_path, "a,b,c,d,e,f\n")])


@pytest.mark.parametrize(
    "content", ["3 0 5", "3\n0\n5\n", "[3, 0, 5]", "3,0,5.0", b"\xef\xbb\xbf3;0\r\n5", gzip.compress(b"3 0 5", mtime=0)]
)
def test_counts_of_any_shape(tmp_path: Path, content: str | bytes) -> None:
    rates = read_counts(file(tmp_path, content), 60 * SECOND_NS, "bert")
    assert rates.table["start_ns"].to_pylist() == [0, 120 * SECOND_NS]
    assert rates.table["count"].to_pylist() == [3, 5]
    assert rates.duration_ns == 180 * SECOND_NS
    assert rates.footer["source"]["rows_in"] == 3


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("3 -1 5", "1 cells are no counts (found '-1' at place 2); correct them"),
        ("3 nan x", "2 cells are no counts (found 'nan' at place 2); correct them"),
        ("[3, null]", "1 cells are no counts (found 'null' at place 2); correct them"),
        ("[3, 4", "not a JSON list of counts (Expecting ',' delimiter: line 1 column 6 (char 5)); check the file"),
        ("0 0", "nothing was counted (found 2 counts of 0); check the file"),
        ("", "nothing was counted (found 0 counts of 0); check the file"),
    ],
)
def test_what_is_no_count_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = file(tmp_path, content)
    with pytest.raises(TraceError) as error:
        read_counts(path, SECOND_NS)
    assert str(error.value) == f"{path}: {problem}"


def test_json_lines_by_their_fields(tmp_path: Path) -> None:
    rows = [{"ts": 1.0000005, "who": "u", "n": 3, "blocks": [1]}, {"ts": 2, "who": None, "n": None, "blocks": [2, 3]}]
    text = "\n".join(map(json.dumps, rows)) + "\nnot json\n[1]\n\n"
    arguments: dict[str, Any] = {"arrival_column": "ts", "arrival_unit": "s", "model": "llm", "json_lines": True}
    columns = {"tenant": "who", "input_tokens": "n", "prefix_blocks": "blocks"}
    trace = read_columns(file(tmp_path, text), columns=columns, **arguments)
    assert trace.arrival_ns.tolist() == [0, 999_999_500]
    assert trace.table["tenant"].to_pylist() == ["u", None]
    assert trace.table["prefix_blocks"].to_pylist() == [[1], [2, 3]]
    source = trace.footer["source"]
    assert (source["rows_in"], source["rows_dropped"]) == (4, {"not a JSON object": 2})
    path = file(tmp_path, '{"ts": 1}\n\n{"ts": "soon"}\n')
    with pytest.raises(TraceError) as error:
        read_columns(path, **arguments)
    assert str(error.value) == f"{path}: column 'ts' is not a time in s (found 'soon' in line 3); correct it"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a,b\n1,2\n", "the format is not one that shows itself (found 'a,b'; these do: azure-llm, "),
        ("arrival_s,model\n1,a\n", "a trace already (arrival_s,model); use it as it is"),
        ("", "the format is not one that shows itself (found ''"),
        ("1 2 3\n", "the format is not one that shows itself (found '1 2 3'"),
    ],
)
def test_a_format_that_does_not_show_is_asked_for(tmp_path: Path, content: str, problem: str) -> None:
    with pytest.raises(TraceError) as error:
        detect(file(tmp_path, content))
    assert str(error.value).startswith(f"{tmp_path / 'requests.txt'}: {problem}")


@EVERY
def test_a_format_that_shows_is_read(tmp_path: Path, name: str) -> None:
    read, header, rows = FORMATS[name]
    path = file(tmp_path, header + "".join(rows))
    assert detect(path) == name
    assert read_detected(path, name).digest() == read(path).digest()


@pytest.mark.filterwarnings("error")  # else what is raised where pyarrow cannot pass it on is printed, and no more
def test_a_row_that_is_neither_whole_nor_text_is_said(tmp_path: Path) -> None:
    path = tmp_path / "chunk-3-trace.csv"
    path.write_bytes(b"0,1.5,2,Gamma,1,1\ncaf\xe9\n")
    with pytest.raises(
        TraceError, match=r"chunk-3-trace.csv: not a CSV table with a header \('utf-8' codec can't decode"
    ):
        read_servegen([path])
