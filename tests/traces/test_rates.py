"""Files of rates: everything kept, every problem named."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isim.errors import TraceError
from isim.traces.mapping import map_rates
from isim.traces.rates import Rates
from isim.traces.shape import shape
from isim.traces.trace import Trace

MINUTE_NS = 60 * 10**9


def windows(**changes: Any) -> Rates:
    columns = {"start_ns": [0, 10], "width_ns": 10, "model": "a", "count": [1, 2], **changes}
    given = {name: column for name, column in columns.items() if column is not None}
    return Rates.from_columns(**given, where="r.parquet")


def test_writing_and_reading_keeps_everything(tmp_path: Path) -> None:
    rates = Rates.from_columns(
        start_ns=[60, 0, 0],
        width_ns=[60, 60, 30],
        model=["b", "b", "a"],
        tenant=["u", "u", None],
        rate_rps=[1.5, None, 2.0],
        count=[None, 3, None],
        cv=[0.5, None, 2.0],
        dist=["gamma", None, "poisson"],
        x_note=["n", None, "m"],
        footer={"source": {"name": "s"}},
    )
    rates.write(tmp_path / "r.parquet")
    read = Rates.read(tmp_path / "r.parquet")
    assert read.table.equals(rates.table)
    assert read.footer == rates.footer
    assert read.footer["duration_ns"] == 120
    assert read.table["start_ns"].to_pylist() == [0, 0, 60]
    assert read.models == ("a", "b")
    assert read.rate_rps.tolist() == [2.0, 3 / 60e-9, 1.5]
    read.write(tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "r.parquet").read_bytes()


def test_requests_are_no_rates_and_rates_no_requests(tmp_path: Path) -> None:
    Trace.from_columns(arrival_ns=[0], model="a").write(tmp_path / "t.parquet")
    windows().write(tmp_path / "r.parquet")
    with pytest.raises(TraceError) as error:
        Rates.read(tmp_path / "t.parquet")
    assert str(error.value) == (
        f"{tmp_path / 't.parquet'}: kind is 'requests', not 'rates'; the arrival of each request is known already; "
        "'isim trace fit' makes rates of a trace"
    )
    with pytest.raises(TraceError) as error:
        Trace.read(tmp_path / "r.parquet")
    assert str(error.value) == (
        f"{tmp_path / 'r.parquet'}: kind is 'rates', not 'requests'; a run needs the arrival of each request; "
        "expand rates with 'isim trace expand'"
    )


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"start_ns": [], "count": []}, ["no windows; rates need at least one"]),
        ({"start_ns": [0, -1]}, ["start_ns must be >= 0 and finite (found -1 in row 1); correct it"]),
        ({"width_ns": 0}, ["width_ns must be >= 1 and finite (found 0 in row 0 and 1 more); correct it"]),
        ({"count": [1, -2]}, ["count must be >= 0 and finite (found -2 in row 1); correct it"]),
        (
            {"rate_rps": [np.nan, 1.0], "cv": [-1.0, np.inf]},
            [
                "rate_rps must be >= 0 and finite (found nan in row 0); correct it",
                "cv must be >= 0 and finite (found -1 in row 0 and 1 more); correct it",
            ],
        ),
        ({"count": [1, None]}, ["neither count nor rate_rps in row 1; give one of them"]),
        (
            {"dist": ["pareto", "gamma"]},
            ["no law called 'pareto' in column 'dist'; choose one of poisson, gamma, weibull, on-off, mmpp"],
        ),
        (
            {"dist": ["mmpp", "gamma"]},
            ["mmpp needs burst_share and cycle_s in row 0; give them, or another law"],
        ),
        (
            {"start_ns": [0, 9]},
            ["windows of 'a' overlap (found one from 9 ns on); give every stream one window at a time"],
        ),
        (
            {"footer": {"duration_ns": 15}},
            ["windows end after the observed 15 ns (found 20 ns in row 1); raise duration_ns or cut the rates"],
        ),
        ({"start_ns": [None, 0]}, ["column 'start_ns' is empty in row 0; fill it in"]),
        (
            {"count": None, "rate_rps": [1, 2], "counts": [1, 2]},
            ["column 'counts' is not part of rates; did you mean 'count'? otherwise call it 'x_counts' to keep it"],
        ),
    ],
)
def test_all_problems_are_named(changes: dict[str, Any], problems: list[str]) -> None:
    with pytest.raises(TraceError) as error:
        windows(**changes)
    assert list(error.value.problems) == [f"r.parquet: {problem}" for problem in problems]


def test_windows_of_other_streams_may_overlap() -> None:
    assert len(windows(start_ns=[0, 0], tenant=["u", "v"])) == 2
    assert len(windows(start_ns=[0, 0], model=["a", "b"])) == 2


def functions() -> Rates:
    """Six functions in the order f..a of the file, with 1, 6, 3, 5, 2 and 4 requests."""
    names, counts = list("fedcba"), [1, 6, 3, 5, 2, 4]
    return Rates.from_columns(
        start_ns=[0] * 6, width_ns=MINUTE_NS, model="function", tenant=names, count=counts, x_row=range(6)
    )


@pytest.mark.parametrize(
    ("how", "order", "expected"),
    [
        ("stripes", "file", {"u": "fdb", "v": "eca"}),  # AlpaServe's "stripe"
        ("blocks", "file", {"u": "fed", "v": "cba"}),  # AlpaServe's "round_robin"
        ("blocks", "popularity", {"u": "eca", "v": "dbf"}),  # Clockwork
        ("stripes", "popularity", {"u": "eab", "v": "cdf"}),  # Clockwork, striped
    ],
)
def test_functions_go_to_models_as_in_the_studies(how: str, order: str, expected: dict[str, str]) -> None:
    table = map_rates(functions(), {"u": 1, "v": 1}, how, order=order).table
    dealt: dict[str, set[str]] = {"u": set(), "v": set()}
    for model, tenant in zip(table["model"].to_pylist(), table["tenant"].to_pylist(), strict=True):
        dealt[model].add(tenant)
    assert dealt == {model: set(tenants) for model, tenants in expected.items()}
    assert sum(table["count"].to_pylist()) == 21


def test_loki_maps_sums_between_two_rates() -> None:
    rates = Rates.from_columns(
        start_ns=[0, 0, MINUTE_NS, 3 * MINUTE_NS], width_ns=MINUTE_NS, model="f", tenant=["x", "y", "x", "x"],
        count=[30, 10, 20, 5],
    )  # fmt: skip
    shaped = shape(rates, 2 * MINUTE_NS, 10**9, 100, 500, {"u": 3, "v": 1})
    assert shaped.duration_ns == 2 * 10**9
    totals = shaped.rate_rps.reshape(2, 2).sum(axis=1)  # by window: the sums are 60 and 5
    assert totals.tolist() == [500, 100]
    assert shaped.rate_rps.tolist() == [375, 125, 75, 25]
    with pytest.raises(TraceError, match="reach over a sum's end"):
        shape(rates, MINUTE_NS // 2, 10**9, 100, 500, {"u": 1})
    with pytest.raises(TraceError, match="which have no shape"):
        shape(rates, 10 * MINUTE_NS, 10**9, 100, 500, {"u": 1})


def test_times_beyond_what_a_float_counts_one_by_one_are_numbers() -> None:
    start_ns = 10_800_000_000_000_001  # odd, above 2^53
    assert Rates.from_columns(start_ns=[start_ns], width_ns=1, model="a", count=[1]).numbers("start_ns") == [1.08e16]
