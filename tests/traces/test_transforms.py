"""What every transform conserves, that chunks do not matter, and that the history tells what happened."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arbitrary_traces import in_chunks, traces
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from isim.errors import TraceError
from isim.traces.mapping import map_stream
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream
from isim.traces.transforms.cut import cut
from isim.traces.transforms.dequantize import dequantize
from isim.traces.transforms.draw_columns import draw_columns
from isim.traces.transforms.merge import merge
from isim.traces.transforms.replicate import replicate
from isim.traces.transforms.scale_fit import scale_fit
from isim.traces.transforms.scale_time import scale_time
from isim.traces.transforms.split import split_at_random, split_by
from isim.traces.transforms.target_rate import rate_factor
from isim.traces.transforms.thin import thin

SMALL = 2**50  # below, float64 holds every ns
TRACES = traces(SMALL)
ROWS = st.integers(1, 5)
SECOND_NS = 10**9


def rows_of(trace: Trace, *, without: tuple[str, ...] = ()) -> Counter[str]:
    """Return the requests as a multiset."""
    names = [name for name in trace.table.column_names if name not in without]
    return Counter(repr(sorted(row.items())) for row in trace.table.select(names).to_pylist())


STREAMED: dict[str, Callable[[TraceStream], TraceStream]] = {
    "scale": lambda trace: scale_time(trace, 3.7),
    "thin": lambda trace: thin(trace, 0.5, seed=3),
    "replicate": lambda trace: replicate(trace, 2.4, SECOND_NS, seed=3),
    "slice": lambda trace: cut(trace, trace.duration_ns // 4, None),
    "map": lambda trace: map_stream(trace, {"u": 1, "v": 2}, "weights", seed=3),
    "map blocks": lambda trace: map_stream(trace, {"u": 1, "v": 1}, "blocks"),
}


@given(TRACES, ROWS, st.sampled_from(sorted(STREAMED)))
def test_chunks_do_not_matter(trace: Trace, rows: int, name: str) -> None:
    transform = STREAMED[name]
    try:
        whole = transform(TraceStream.of(trace)).collected()
    except TraceError as error:
        assert "no request is left" in str(error)
        with pytest.raises(TraceError, match="no request is left"):
            transform(in_chunks(trace, rows)).collected()
        return
    parts = transform(in_chunks(trace, rows))
    assert parts.collected().digest() == whole.digest()
    assert parts.collected().digest() == whole.digest(), "a second reading differs"
    assert whole.footer["history"][-1]["op"] == name.split()[0]
    assert whole.footer["source"] == trace.footer["source"]


@given(TRACES, st.floats(0.01, 100))
def test_tempo_changes_times_and_nothing_else(trace: Trace, factor: float) -> None:
    scaled = scale_time(TraceStream.of(trace), factor).collected()
    assert rows_of(scaled, without=("arrival_ns",)) == rows_of(trace, without=("arrival_ns",))
    assert np.abs(scaled.arrival_ns - trace.arrival_ns / factor).max() <= 1
    assert abs(scaled.duration_ns - trace.duration_ns / factor) <= 1
    back = scale_time(TraceStream.of(scaled), 1 / factor).collected()
    assert np.abs(back.arrival_ns - trace.arrival_ns).max() <= factor + 1


def test_tempo_shrinks_think_times_and_the_clock() -> None:
    trace = Trace.from_columns(
        arrival_ns=[0, 10], model="a", parent_id=[None, 0], think_ns=[None, 7], footer={"time_resolution_ns": 10}
    )
    scaled = scale_time(TraceStream.of(trace), 2).collected()
    assert scaled.table["think_ns"].to_pylist() == [None, 4]
    assert scaled.footer["time_resolution_ns"] == 5


def test_requests_that_a_faster_tempo_brings_together_are_in_order() -> None:
    trace = Trace.from_columns(arrival_ns=[0, 1, 2, 9], model=list("abcd"), request_id=[9, 8, 7, 6])
    scaled = scale_time(in_chunks(trace, 1), 100).collected()
    assert scaled.table["request_id"].to_pylist() == [6, 7, 8, 9]


@given(TRACES, st.floats(0.05, 1), st.integers(0, 9))
def test_thinning_keeps_some_as_they_are(trace: Trace, share: float, seed: int) -> None:
    try:
        thinned = thin(TraceStream.of(trace), share, seed).collected()
    except TraceError as error:
        assert share < 1 and "no request is left" in str(error)
        return
    assert rows_of(thinned, without=tuple(set(trace.table.column_names) - set(thinned.table.column_names))) <= rows_of(
        trace, without=tuple(set(trace.table.column_names) - set(thinned.table.column_names))
    )
    assert thinned.duration_ns == trace.duration_ns
    if share == 1:
        assert thinned.digest() == trace.digest()


def test_thinning_keeps_the_share_of_every_model() -> None:
    models = np.random.default_rng(1).choice(["a", "b", "c"], 60_000, p=[0.6, 0.3, 0.1])
    trace = Trace.from_columns(arrival_ns=np.arange(60_000), model=models)
    thinned = thin(TraceStream.of(trace), 0.25, seed=2).collected()
    assert stats.binomtest(len(thinned), 60_000, 0.25).pvalue > 0.01
    expected = np.bincount(trace.model_codes) * len(thinned) / 60_000
    assert stats.chisquare(np.bincount(thinned.model_codes), expected).pvalue > 0.01


def test_thinning_by_a_column_keeps_or_drops_whole_values() -> None:
    tenants = [f"t{number % 200}" for number in range(2000)]
    trace = Trace.from_columns(arrival_ns=range(2000), model="a", tenant=tenants)
    thinned = thin(in_chunks(trace, 7), 0.3, seed=1, by="tenant").collected()
    assert set(Counter(thinned.table["tenant"].to_pylist()).values()) == {10}
    assert stats.binomtest(len(thinned) // 10, 200, 0.3).pvalue > 0.01
    with pytest.raises(TraceError) as error:
        thin(TraceStream.of(trace), 0.3, 1, by="user").collected()
    assert (
        str(error.value) == "thin: no column 'user' (has: arrival_ns, model, request_id, tenant); choose one of these"
    )


@given(TRACES, st.integers(1, 4), st.integers(0, 10**12), ROWS)
def test_replication_multiplies_every_request(trace: Trace, factor: int, jitter_ns: int, rows: int) -> None:
    many = replicate(in_chunks(trace, rows), factor, jitter_ns, seed=1).collected()
    own = ("arrival_ns", "request_id")
    assert rows_of(many, without=own) == Counter(
        {row: count * factor for row, count in rows_of(trace, without=own).items()}
    )
    assert many.duration_ns == trace.duration_ns
    assert many.table["request_id"].to_pylist() == list(range(len(many)))
    assert not Counter(trace.arrival_ns.tolist()) - Counter(many.arrival_ns.tolist()), "an original moved"
    if jitter_ns == 0:
        assert Counter(many.arrival_ns.tolist()) == Counter(
            {t: n * factor for t, n in Counter(trace.arrival_ns.tolist()).items()}
        )


def test_copies_are_spread_evenly_around_their_originals() -> None:
    trace = Trace.from_columns(arrival_ns=np.full(20_000, 10**6), model="a", duration_ns=2 * 10**6)
    many = replicate(TraceStream.of(trace), 1.5, 10**5, seed=1).collected()
    moved = many.arrival_ns[many.arrival_ns != 10**6]
    assert stats.binomtest(len(many) - 20_000, 20_000, 0.5).pvalue > 0.01
    assert stats.kstest((moved - 9 * 10**5) / (2 * 10**5), "uniform").pvalue > 0.01


@given(TRACES, st.lists(st.floats(0, 1), min_size=1, max_size=3))
def test_slices_side_by_side_make_the_whole(trace: Trace, cuts: list[float]) -> None:
    edges = sorted({round(share * trace.duration_ns) for share in cuts} - {0, trace.duration_ns})
    starts, ends = [0, *edges], [*edges, None]
    parts = []
    for start_ns, end_ns in zip(starts, ends, strict=True):
        try:
            parts.append(cut(TraceStream.of(trace), start_ns, end_ns).collected())
        except TraceError as error:
            assert "no request is left" in str(error)
            continue
        assert parts[-1].duration_ns == (trace.duration_ns if end_ns is None else end_ns) - start_ns
    # Shifted back, they are the requests of the whole.
    shifted = Counter()
    for part in parts:
        start_ns = part.footer["history"][-1]["params"]["start_ns"]
        pairs = zip(part.arrival_ns.tolist(), part.table["request_id"].to_pylist(), strict=True)
        shifted.update((time + start_ns, request) for time, request in pairs)
    assert shifted == Counter(zip(trace.arrival_ns.tolist(), trace.table["request_id"].to_pylist(), strict=True))


def test_a_slice_moves_the_epoch_and_frees_orphans() -> None:
    trace = Trace.from_columns(
        arrival_ns=[0, 1, 2, 3],
        model=["a", "b", "a", "a"],
        parent_id=[None, 0, 1, 2],
        think_ns=[None, 5, 6, 7],
        duration_ns=4,
        footer={"epoch": "2023-11-16T18:17:03.979960000"},
    )
    part = cut(in_chunks(trace, 1), 1).collected()
    assert part.footer["epoch"] == "2023-11-16T18:17:03.979960001"
    assert part.table["parent_id"].to_pylist() == [None, 1, 2]
    assert part.table["think_ns"].to_pylist() == [None, 6, 7]
    named = cut(TraceStream.of(trace), models=["a"]).collected()
    assert named.table["parent_id"].to_pylist() == [None, None, 2]
    assert named.models == ("a",)


@given(traces(SMALL, families=True), st.sampled_from(["model", "tenant", "session_id"]))
def test_parts_by_a_column_merge_into_the_whole(trace: Trace, column: str) -> None:
    assume(column in trace.table.column_names and trace.table[column].null_count == 0)
    try:
        parts = split_by(trace, column)
    except TraceError as error:
        assert "wait for one of another part" in str(error)
        assert "parent_id" in trace.table.column_names
        return
    assert sum(map(len, parts.values())) == len(trace)
    assert sorted(parts) == sorted({str(value) for value in trace.table[column].to_pylist()})
    if len(parts) > 1:
        whole = merge(list(parts.values()))
        assert whole.digest() == trace.digest()
        assert whole.footer["source"] == trace.footer["source"]


@given(TRACES, st.integers(0, 99))
def test_random_parts_merge_into_the_whole(trace: Trace, seed: int) -> None:
    try:
        parts = split_at_random(trace, {"x": 2, "y": 1}, seed)
    except TraceError as error:
        assert "parts hold no request" in str(error)
        return
    assert merge(list(parts.values())).digest() == trace.digest()


@given(TRACES, TRACES, st.booleans())
def test_merging_keeps_every_request(first: Trace, second: Trace, in_turn: bool) -> None:
    both = merge([first, second], in_turn)
    shift_ns = first.duration_ns if in_turn else 0
    times = [*first.arrival_ns.tolist(), *(second.arrival_ns + shift_ns).tolist()]
    assert both.arrival_ns.tolist() == sorted(times)
    assert Counter(both.table["model"].to_pylist()) == Counter(
        [*first.table["model"].to_pylist(), *second.table["model"].to_pylist()]
    )
    assert both.duration_ns == (
        shift_ns + second.duration_ns if in_turn else max(first.duration_ns, second.duration_ns)
    )
    assert both.footer["history"][0]["params"]["footers"] == [first.footer, second.footer]


def test_merging_numbers_families_anew_when_ids_clash() -> None:
    def family(*arrival_ns: int) -> Trace:
        columns: dict[str, Any] = {"request_id": [7, 8, 9], "parent_id": [None, 7, 8], "session_id": [5, 5, None]}
        return Trace.from_columns(arrival_ns=arrival_ns, model="a", **columns)

    both = merge([family(0, 2, 4), family(1, 3, 5)]).table
    assert both["request_id"].to_pylist() == [0, 1, 2, 3, 4, 5]
    assert both["parent_id"].to_pylist() == [None, None, 0, 1, 2, 3]
    sessions = both["session_id"].to_pylist()
    assert sessions[4:] == [None, None]
    assert sessions[0] == sessions[2] != sessions[1] == sessions[3]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40), st.integers(1, 10**9), st.integers(0, 9))
def test_dequantizing_stays_in_the_tick_and_keeps_the_order(ticks: list[int], tick_ns: int, seed: int) -> None:
    trace = Trace.from_columns(arrival_ns=np.sort(ticks) * tick_ns, model="a", input_tokens=range(len(ticks)))
    spread = dequantize(trace, seed, tick_ns)
    assert ((spread.arrival_ns // tick_ns) == np.sort(ticks)).all()
    assert spread.table["input_tokens"].to_pylist() == list(range(len(ticks)))


def test_dequantized_ties_are_uniform() -> None:
    trace = Trace.from_columns(arrival_ns=np.repeat(np.arange(50), 100) * 3 * SECOND_NS, model="a")
    spread = dequantize(trace, seed=1)
    within = spread.arrival_ns % (3 * SECOND_NS) / (3 * SECOND_NS)
    assert spread.footer["history"][-1]["params"]["tick_ns"] == 3 * SECOND_NS
    assert stats.kstest(within, "uniform").pvalue > 0.01
    with pytest.raises(TraceError, match="too few distinct times"):
        dequantize(Trace.from_columns(arrival_ns=[0, 0], model="a"), 1)


def test_drawn_columns_stay_together_and_with_their_model() -> None:
    like = Trace.from_columns(
        arrival_ns=range(6),
        model=list("aaabbb"),
        input_tokens=[1, 2, 3, 4, 5, 6],
        output_tokens=[10, 20, 30, 40, 50, 60],
        rec_status=["ok"] * 6,
    )
    new = draw_columns(Trace.from_columns(arrival_ns=range(3000), model=list("ab") * 1500), like, seed=1)
    rows = new.table.to_pylist()
    assert all(row["output_tokens"] == 10 * row["input_tokens"] for row in rows)
    assert {(row["model"], row["input_tokens"] > 3) for row in rows} == {("a", False), ("b", True)}
    assert stats.chisquare(np.bincount(new.table["input_tokens"].to_numpy())[1:]).pvalue > 0.01
    assert "rec_status" not in new.table.column_names
    with pytest.raises(TraceError, match="no request to 'c' to draw from"):
        draw_columns(Trace.from_columns(arrival_ns=[0], model="c"), like, 1)


def test_scaling_by_a_fit_reaches_the_rate_of_every_model() -> None:
    rng = np.random.default_rng(1)
    arrivals = np.sort(rng.integers(0, 100 * SECOND_NS, 20_000))
    trace = Trace.from_columns(
        arrival_ns=arrivals, model=rng.choice(["a", "b"], 20_000, p=[0.8, 0.2]), input_tokens=np.arange(20_000),
        duration_ns=100 * SECOND_NS,
    )  # fmt: skip
    scaled = scale_fit(trace, 2, seed=1, window_ns=20 * SECOND_NS)
    for code in (0, 1):
        count, before = (scaled.model_codes == code).sum(), (trace.model_codes == code).sum()
        assert abs(count - 2 * before) < 4 * np.sqrt(2 * before)
    assert scaled.footer["history"][0]["op"] == "fit"
    assert [entry["op"] for entry in scaled.footer["history"]] == ["fit", "expand", "draw"]
    assert rate_factor(TraceStream.of(trace), 100.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("transform", "problem"),
    [
        (lambda t: scale_time(t, 0), "scale: the factor must be > 0 and finite (found 0); correct it"),
        (lambda t: scale_time(t, 1e-300), "scale: arrivals would lie beyond 292 years (factor 1e-300)"),
        (
            lambda t: scale_time(t, 1e12),
            "scale: a second would shrink to less than the ns that times are counted in (factor 1e+12); choose a ",
        ),
        (lambda t: thin(t, 1.5, 1), "thin: the share must be > 0 and at most 1 (found 1.5); replicate to get more"),
        (lambda t: replicate(t, 0.5, 1, 1), "replicate: the factor must be >= 1 and finite (found 0.5)"),
        (
            lambda t: replicate(t, 1e12, 1, 1),
            "replicate: copies of one request must fit into memory (found factor 1e+12, at most 1,048,576); lower the ",
        ),
        (lambda t: replicate(t, 2, -1, 1), "replicate: the jitter must be >= 0 (found -1 ns); correct it"),
        (
            lambda t: cut(t, 5, 5),
            "slice: the interval is empty or leaves the observed time (found 5e-09 s to 5e-09 s of 9e-09 s); ",
        ),
        (
            lambda t: cut(t, 0, 3_600_500_000_000),
            "slice: the interval is empty or leaves the observed time (found 0 s to 3600.5 s of 9e-09 s); correct it",
        ),
        (
            lambda t: cut(t, models=["bert", "a", "mlp"]),
            "slice: no such model in the trace (found bert, mlp; the trace has: a, b); name models that it has",
        ),
        (lambda t: thin(t, 0.5, 1).collected(), "thin: requests wait for others (parent_id) that may be dropped"),
        (lambda t: replicate(t, 2, 1, 1).collected(), "replicate: requests wait for others (parent_id)"),
        (lambda t: merge([t.collected()]), "merge: nothing to merge with (found 1); give at least two traces"),
        (lambda t: split_by(t.collected(), "user"), "split: no column 'user' (has: "),
        (lambda t: split_by(t.collected(), "parent_id"), "split: column 'parent_id' is empty in 1 requests"),
        (lambda t: split_by(t.collected(), "model"), "split: 1 requests wait for one of another part (parent_id)"),
        (lambda t: split_at_random(t.collected(), {"a": 0}, 1), "split: every part needs a share > 0"),
        (
            lambda t: split_at_random(t.collected(), {"a": 1e308, "b": 1e308}, 1),
            "split: the shares add up to no finite number",
        ),
    ],
)
def test_what_cannot_be_done_is_refused(transform: Callable[[TraceStream], Any], problem: str) -> None:
    trace = Trace.from_columns(arrival_ns=[0, 9], model=["a", "b"], parent_id=[None, 0])
    with pytest.raises(TraceError) as error:
        transform(TraceStream.of(trace))
    assert str(error.value).startswith(problem)


def test_more_requests_than_a_trace_holds_are_refused_before_any_is_written() -> None:
    trace = Trace.from_columns(arrival_ns=np.arange(3000), model="a")
    with pytest.raises(TraceError) as error:
        replicate(TraceStream.of(trace), 1e6, jitter_ns=1, seed=1)
    assert str(error.value) == (
        "replicate: a trace holds at most 2^31 requests (found 3,000 times 1e+06); lower the factor to 715,827"
    )
