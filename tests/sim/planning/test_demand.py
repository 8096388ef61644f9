from pathlib import Path

import pytest
from worlds import kernel, profile_of

from isim.building.inputs import Inputs, load_inputs
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.planning.demand import Demand, demands
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream

PROFILE = profile_of({(model, 1): [kernel(10**6)] for model in ("a", "b")})


@pytest.fixture
def profile(tmp_path: Path) -> str:
    PROFILE.write(tmp_path / "p.parquet")
    return str(tmp_path / "p.parquet")


def of(**keys: object) -> list[Demand]:
    experiment = Experiment(**keys)
    return demands(experiment, load_inputs(experiment))


def test_rates_are_divided_by_weight(profile: str) -> None:
    arrivals = {"rate": "90rps", "models": {"a": 2, "b": 1}}
    assert of(profile=profile, arrivals=arrivals, slo={"a": "10ms", "*": "20ms"}) == [
        Demand("a", pytest.approx(60.0), 0.010),
        Demand("b", pytest.approx(30.0), 0.020),
    ]


def test_tenants_add_up(profile: str) -> None:
    tenants = {"x": {"rate": "90rps", "models": {"a": 2, "b": 1}}, "y": {"rate": "10rps", "models": {"b": 1}}}
    found = of(profile=profile, arrivals={"tenants": tenants}, slo="20ms")
    assert {each.model: each.rate_rps for each in found} == pytest.approx({"a": 60.0, "b": 40.0})


def test_a_trace_counts_samples_and_has_objectives_of_its_own(profile: str, tmp_path: Path) -> None:
    """In 2 s, a is asked for 3 times with 8 samples in all, b once; the shorter objective counts."""
    trace = Trace.from_columns(
        arrival_ns=[0, 1, 2, 3], model=["a", "b", "a", "a"], batch=[4, 1, 3, 1],
        slo_ns=[20 * 10**6, None, 5 * 10**6, None], duration_ns=2 * 10**9,
    )  # fmt: skip
    trace.write(tmp_path / "t.parquet")
    experiment = Experiment(profile=profile, trace=str(tmp_path / "t.parquet"), slo="7ms")
    expected = [Demand("a", 4.0, 0.005), Demand("b", 0.5, 0.007)]
    inputs = load_inputs(experiment)
    assert demands(experiment, inputs) == expected
    streamed = Inputs(inputs.profile, TraceStream.of(trace), inputs.models)
    assert demands(experiment, streamed) == expected


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({"clients": {"models": {"a": 1}}, "horizon": "1s"}, "clients"),
        ({"arrivals": {"process": "mlperf-server"}}, "a scenario of MLPerf"),
        (
            {"arrivals": {"rate": "5rps", "models": {"a": 1}}, "then": [{"model": "b", "after": ["a"]}]},
            "then",
        ),
    ],
    ids=["clients", "mlperf", "then"],
)
def test_what_is_not_known_before_the_run_is_said_with_all_else(
    profile: str, keys: dict[str, object], found: str
) -> None:
    with pytest.raises(ExperimentError) as caught:
        of(profile=profile, **keys)
    rate, slo = caught.value.problems
    assert rate.startswith(f"plan: the rate of each model must be known before the run (found {found}); give --rate")
    assert slo.startswith("plan: no objective (found none of a")


def test_a_trace_of_one_moment_has_no_rate(profile: str, tmp_path: Path) -> None:
    Trace.from_columns(arrival_ns=[0], model=["a"]).write(tmp_path / "t.parquet")
    with pytest.raises(ExperimentError, match="found a trace of one moment"):
        of(profile=profile, trace=str(tmp_path / "t.parquet"), slo="5ms")
