"""Dealing a stream to models, and giving models their objectives, changes nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isim.errors import TraceError
from isim.traces.mapping import map_models
from isim.traces.objectives import with_slo
from isim.traces.trace import Trace

MODELS = {"a": 1.0, "b": 1.0, "c": 1.0}


def stream_of(tenants: list[str]) -> Trace:
    arrivals = np.arange(len(tenants)) * 5
    return Trace.from_columns(arrival_ns=arrivals, model="llm", tenant=tenants, input_tokens=arrivals + 1)


TRACES = st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=30).map(stream_of)


@given(TRACES, st.sampled_from(["stripes", "weights"]), st.sampled_from([None, "tenant"]), st.integers(0, 99))
def test_mapping_conserves_the_requests(trace: Trace, how: str, by: str | None, seed: int) -> None:
    mapped = map_models(trace, MODELS, how, by=by, seed=seed)
    assert mapped.table.drop_columns(["model"]).equals(trace.table.drop_columns(["model"]))
    assert set(mapped.models) <= set(MODELS)
    assert mapped.duration_ns == trace.duration_ns
    assert mapped.digest() == map_models(trace, MODELS, how, by=by, seed=seed).digest()
    if by:
        pairs = set(zip(mapped.table["tenant"].to_pylist(), mapped.table["model"].to_pylist(), strict=True))
        assert len(pairs) == len(set(trace.table["tenant"].to_pylist()))


def test_stripes_deal_in_turn() -> None:
    mapped = map_models(stream_of(list("vuvwvx")), {"b": 1, "a": 1})
    assert mapped.table["model"].to_pylist() == ["b", "a", "b", "a", "b", "a"]
    by_tenant = map_models(stream_of(list("vuvwvx")), {"b": 1, "a": 1}, by="tenant")
    assert by_tenant.table["model"].to_pylist() == ["b", "a", "b", "b", "b", "a"]
    assert by_tenant.footer["mapping"] == {
        "how": "stripes",
        "by": "tenant",
        "order": "file",
        "models": {"a": 1, "b": 1},
        "seed": None,
    }
    assert by_tenant.footer["history"] == [{"op": "map", "params": by_tenant.footer["mapping"]}]


def test_weights_deal_in_proportion() -> None:
    trace = Trace.from_columns(arrival_ns=np.arange(30_000), model="llm")
    weights = {"a": 1.0, "b": 2.0, "c": 3.0}
    counts = np.bincount(map_models(trace, weights, "weights", seed=4).model_codes)
    assert stats.chisquare(counts, [5_000, 10_000, 15_000]).pvalue > 0.01


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (({"a": 1, "b": 2},), "stripes deal equally (found a=1, b=2); make the weights equal or map by weights"),
        (({},), "every model needs a weight > 0 (found no models); give it one"),
        (({"a": 0},), "every model needs a weight > 0 (found a=0); give it one"),
        (
            ({"a": 1e308, "b": 1e308}, "weights"),
            "the weights add up to no finite number (found a=1e+308, b=1e+308); make them smaller",
        ),
        (({"a": 1}, "hash"), "no way called 'hash'; choose stripes, blocks or weights"),
    ],
)
def test_an_impossible_mapping_is_refused(arguments: tuple, problem: str) -> None:
    with pytest.raises(TraceError) as error:
        map_models(stream_of(["u"]), *arguments)
    assert str(error.value) == f"mapping: {problem}"


def test_an_unknown_or_incomplete_source_column_is_refused() -> None:
    with pytest.raises(TraceError) as error:
        map_models(Trace.from_columns(arrival_ns=[0], model="a"), MODELS, by="tenant")
    assert str(error.value) == "mapping: no column 'tenant' (has: arrival_ns, model, request_id); choose one of these"
    with pytest.raises(TraceError) as error:
        map_models(Trace.from_columns(arrival_ns=[0, 1], model="a", tenant=["u", None]), MODELS, by="tenant")
    assert str(error.value) == "mapping: column 'tenant' is empty in 1 rows; choose another column"


def test_objectives_go_to_their_models() -> None:
    trace = Trace.from_columns(arrival_ns=[0, 1, 2, 3], model=["a", "b", "c", "a"])
    first = with_slo(trace, {"a": 7})
    assert first.table["slo_ns"].to_pylist() == [7, None, None, 7]
    second = with_slo(first, {"b": 8})
    assert second.table["slo_ns"].to_pylist() == [7, 8, None, 7]
    assert with_slo(second, {"a": 1}, otherwise_ns=9).table["slo_ns"].to_pylist() == [1, 9, 9, 1]
    assert [operation["op"] for operation in second.footer["history"]] == ["slo", "slo"]


def test_impossible_objectives_are_refused() -> None:
    with pytest.raises(TraceError) as error:
        with_slo(Trace.from_columns(arrival_ns=[0], model="a"), {"z": 0}, otherwise_ns=-1)
    assert error.value.problems == (
        "slo: no request to 'z' (has: a); correct the name",
        "slo: an objective must be >= 1 ns (found 0); raise it",
        "slo: an objective must be >= 1 ns (found -1); raise it",
    )
