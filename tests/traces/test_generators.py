"""What the arrival processes promise beside their laws: windows, seeds, phases, models, tenants, and short errors."""

import inspect
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arrival_laws import RARE
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from isim.errors import TraceError
from isim.plugins import list_plugins
from isim.traces.generators.constant import Constant
from isim.traces.generators.registry import GROUP, make_process
from isim.traces.generators.thinned import Thinned
from isim.traces.generators.time_changed import TimeChanged
from isim.traces.make import Tenant, make_trace, superpose
from isim.traces.trace import Trace

SECOND_NS = 10**9
SPECS = (
    "constant",
    "constant:phase=spread,jitter=3ms",
    "poisson",
    "gamma:cv=0.1",
    "gamma:cv=20",
    "weibull:cv=0.02",
    "weibull:cv=20",
    "lognormal:cv=3",
    "hyperexponential:cv=1",
    "hyperexponential:cv=5",
    "pareto:alpha=1.01",
    "pareto:alpha=3",
    "mmpp:burst_ratio=10,burst_share=0.1,cycle=1s",
    "on-off:on=1ms,off=1s",
    "batch-poisson:size=7",
    "batch-poisson:size=7,law=fixed",
    "self-similar:hurst=0.9,sources=3",
    "ramp:first=1,last=0",
    "steps:levels=0/1/0",
    "steps:levels=0/1/5,step=100ms,cv=2",
    "piecewise:times=0s/1s/1s/2s,levels=0/1/2/0",
    "piecewise:times=0s/1ms/1ms/2ms,levels=0/1/0/3,repeats=true,cv=0.5,law=weibull",
    "diurnal",
    "diurnal:amplitude=1,period=10ms,phase=-3s",
    "flash-crowd:magnitude=8,start=1s,ramp=1ms,plateau=0s,decay=1ms",
)


def test_every_built_in_process_is_tried() -> None:
    names = {plugin.name for plugin in list_plugins(GROUP) if not plugin.name.startswith("mlperf-")}
    assert names == {spec.partition(":")[0] for spec in SPECS}


def test_every_process_says_where_it_comes_from_or_what_it_is() -> None:
    for plugin in list_plugins(GROUP):
        assert plugin.summary.endswith("."), plugin.name


@given(st.sampled_from(SPECS), st.floats(0.001, 1e4), st.integers(1, 5 * SECOND_NS), st.integers(0, 2**32))
@settings(deadline=None)
def test_arrivals_ascend_within_the_window_and_repeat(spec: str, rate_rps: float, duration_ns: int, seed: int) -> None:
    process = make_process(spec)
    arrivals = process.arrivals_ns(np.random.default_rng(seed), rate_rps, duration_ns)
    assert arrivals.dtype == np.int64
    assert (np.diff(arrivals) >= 0).all()
    assert ((arrivals >= 0) & (arrivals < duration_ns)).all()
    again = process.arrivals_ns(np.random.default_rng(seed), rate_rps, duration_ns)
    assert np.array_equal(arrivals, again)


@pytest.mark.parametrize("spec", SPECS)
def test_parameters_are_stored_under_their_names(spec: str) -> None:
    process = make_process(spec)
    for name in inspect.signature(type(process)).parameters:
        assert hasattr(process, name)


@pytest.mark.parametrize(
    "spec",
    [
        "diurnal:amplitude=1,period=24h",
        "flash-crowd:magnitude=50,start=2h,ramp=1s,plateau=0s,decay=1h",
        "steps:levels=0/1/5,step=20s",
        "piecewise:times=0s/1h/1h/2h,levels=0/1/0/3,repeats=true",
        "piecewise:times=0s/1h/2h,levels=0/1/2",
        "ramp",
    ],
)
def test_rate_curves_are_inverted_to_the_nanosecond(spec: str) -> None:
    process = make_process(spec)
    assert isinstance(process, TimeChanged)
    curve = process.curve(2 * 86_400.0)
    areas_s = np.linspace(0, float(curve.area_s(np.array([2 * 86_400.0]))[0]), 20_001)
    times_s = curve.time_s(areas_s)
    assert (np.diff(times_s) >= 0).all()
    assert curve.area_s(times_s) == pytest.approx(areas_s, abs=1e-9)


# Phases ------------------------------------------------------------------------------------------------------------


def test_constant_gaps_are_equal_and_the_phase_is_random() -> None:
    arrivals = Constant().arrivals_ns(np.random.default_rng(7), 3.0, 10 * SECOND_NS)
    assert set(np.diff(arrivals)) <= {333_333_333, 333_333_334}
    rng = np.random.default_rng(7)
    phases = [Constant().arrivals_ns(rng, 1.0, SECOND_NS)[0] for _ in range(500)]
    assert stats.kstest(np.array(phases) / SECOND_NS, "uniform").pvalue > RARE


def test_jitter_moves_each_arrival_uniformly() -> None:
    arrivals = Constant(phase="0.5", jitter_s=0.2).arrivals_ns(np.random.default_rng(7), 1.0, 4000 * SECOND_NS)
    assert len(arrivals) == 4000  # 0.2 s does not carry any over the edge of a gap of 1 s
    moved_s = arrivals / SECOND_NS - (np.arange(4000) + 0.5)
    assert stats.kstest(moved_s, stats.uniform(-0.2, 0.4).cdf).pvalue > RARE


def test_jitter_brings_in_what_started_outside() -> None:
    """Far wider than a gap, jitter leaves a rate that is the same at the edges as in the middle."""
    rng = np.random.default_rng(7)
    counts = np.zeros(5)
    for _ in range(400):
        arrivals = Constant(jitter_s=3.0).arrivals_ns(rng, 10.0, 5 * SECOND_NS)
        counts += np.histogram(arrivals, bins=5, range=(0, 5 * SECOND_NS))[0]
    # Jitter makes counts less variable than Poisson ones, so the chi-square test errs on the safe side.
    assert stats.chisquare(counts, np.full(5, counts.sum() / 5)).pvalue > RARE


def test_spread_phases_never_meet() -> None:
    trace = make_trace(
        "constant:phase=spread", rate_rps=40, duration_ns=SECOND_NS, models=dict.fromkeys("abcd", 1), seed=1
    )
    assert set(np.diff(trace.arrival_ns)) == {SECOND_NS // 40}
    assert trace.model_codes.tolist() == [0, 1, 2, 3] * 10


# Thinning against inversion ----------------------------------------------------------------------------------------


def test_thinned_arrivals_follow_the_rate_that_inversion_follows() -> None:
    process = Thinned(lambda time_s: 1 + np.sin(2 * np.pi * time_s / 8), ceiling=2.0)
    arrivals = process.arrivals_ns(np.random.default_rng(5), 1000, 16 * SECOND_NS) / SECOND_NS
    turn = 2 * np.pi / 8
    areas = arrivals - (np.cos(turn * arrivals) - 1) / turn
    assert stats.kstest(areas / 16, "uniform").pvalue > RARE
    assert stats.kstest(np.diff(areas) * 1000, "expon").pvalue > RARE


@pytest.mark.parametrize("value", [-0.5, 2.5, math.nan])
def test_a_shape_that_leaves_its_bounds_is_refused(value: float) -> None:
    process = Thinned(lambda time_s: np.full(len(time_s), value), ceiling=2.0)
    with pytest.raises(TraceError) as error:
        process.arrivals_ns(np.random.default_rng(5), 1000, SECOND_NS)
    assert str(error.value).startswith("arrival process thinned: the shape leaves 0 to the ceiling 2 (found ")
    assert str(error.value).endswith("s); raise the ceiling or correct the function")


# Models ------------------------------------------------------------------------------------------------------------


def arrivals_of(trace: Trace, model: str) -> list[int]:
    return trace.arrival_ns[trace.model_codes == trace.models.index(model)].tolist()


@given(
    st.sampled_from([spec for spec in SPECS if "spread" not in spec]),
    st.integers(0, 2**64),
    st.permutations(["a", "b", "c"]),
)
@settings(deadline=None, max_examples=50)
def test_a_model_more_leaves_the_others_alone(spec: str, seed: int, order: list[str]) -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 1.0}
    duration_ns = 20 * SECOND_NS

    def made(rate_rps: float, models: dict[str, float]) -> Trace | None:
        try:
            return make_trace(spec, rate_rps=rate_rps, duration_ns=duration_ns, models=models, seed=seed)
        except TraceError as error:
            assert "no request arrives" in str(error)
            return None

    alone = {model: made(10 * weights[model], {model: 1}) for model in weights}
    together = made(40, {model: weights[model] for model in order})
    found = {model: arrivals_of(together, model) for model in together.models} if together else {}
    assert found == {model: trace.arrival_ns.tolist() for model, trace in alone.items() if trace}


@given(st.sampled_from(SPECS), st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_thinned_parts_superpose_to_the_whole(spec: str, seed: int) -> None:
    """Models that burst together are one stream thinned: merged again, they are that stream to the nanosecond."""
    options: dict[str, Any] = {"rate_rps": 400, "duration_ns": 3 * SECOND_NS, "seed": seed, "bursts": "shared"}
    try:
        whole = make_trace(spec, models={"all": 1}, **options)
    except TraceError as error:
        assert "no request arrives" in str(error)
        return
    parts = make_trace(spec, models={"a": 3, "b": 1, "c": 1}, **options)
    assert parts.arrival_ns.tolist() == whole.arrival_ns.tolist()
    assert sorted(time for model in parts.models for time in arrivals_of(parts, model)) == whole.arrival_ns.tolist()


@pytest.mark.parametrize("bursts", ["own", "shared"])
def test_parts_of_a_poisson_stream_are_poisson_and_independent(bursts: Any) -> None:
    trace = make_trace(
        "poisson", rate_rps=100, duration_ns=1000 * SECOND_NS, models={"a": 3, "b": 1, "c": 1}, seed=11, bursts=bursts
    )
    assert stats.kstest(np.diff(trace.arrival_ns) / 1e7, "expon").pvalue > RARE
    part = np.array(arrivals_of(trace, "a"))
    assert stats.kstest(np.diff(part) * 60 / 1e9, "expon").pvalue > RARE
    counts = np.bincount(trace.model_codes)
    assert stats.chisquare(counts, np.array([0.6, 0.2, 0.2]) * counts.sum()).pvalue > RARE
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (trace.model_codes[:-1], trace.model_codes[1:]), 1)
    assert stats.chi2_contingency(pairs).pvalue > RARE


def test_a_crowd_may_want_one_model_only() -> None:
    spec = "flash-crowd:magnitude=9,start=4s,ramp=1ms,plateau=6s,decay=1s,only=a"
    trace = make_trace(spec, rate_rps=2000, duration_ns=10 * SECOND_NS, models={"a": 1, "b": 1}, seed=2)
    wanted, other = (
        np.histogram(arrivals_of(trace, model), bins=[0, 4 * SECOND_NS, 10 * SECOND_NS])[0] / (4, 6)
        for model in ("a", "b")
    )
    assert wanted[1] / wanted[0] == pytest.approx(9, rel=0.25)
    assert other[1] / other[0] == pytest.approx(1, rel=0.15)
    assert wanted @ (4, 6) == pytest.approx(10_000, rel=0.06)  # the mean is the rate asked for


def test_simultaneous_requests_follow_the_names_of_their_models() -> None:
    one, two = (
        make_trace("poisson", rate_rps=2e9, duration_ns=1000, models=dict.fromkeys(names, 1.0), seed=1)
        for names in ("ab", "ba")
    )
    ties = np.diff(one.arrival_ns) == 0
    assert ties.any()
    assert (np.diff(one.model_codes)[ties] >= 0).all()
    assert one.digest() == two.digest()


def test_same_seed_same_bytes_other_seed_other_arrivals(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one", "two", "three")]
    for path, seed in zip(paths, (5, 5, 6), strict=True):
        make_trace("gamma:cv=2", rate_rps=50, duration_ns=SECOND_NS, models={"a": 1, "b": 1}, seed=seed).write(path)
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two
    assert one != three


# Tenants -----------------------------------------------------------------------------------------------------------

WEB = Tenant("web", "mmpp:burst_ratio=10,burst_share=0.1,cycle=1s", 60, {"a": 1, "b": 1})
BATCH = Tenant("batch", "batch-poisson:size=5", 40, {"b": 1})


def test_tenants_superpose_without_touching_each_other() -> None:
    both = superpose([WEB, BATCH], duration_ns=20 * SECOND_NS, seed=3)
    for tenant in (WEB, BATCH):
        alone = superpose([tenant], duration_ns=20 * SECOND_NS, seed=3)
        mask = np.array([name == tenant.name for name in both.table["tenant"].to_pylist()])
        assert both.arrival_ns[mask].tolist() == alone.arrival_ns.tolist()
        names = np.array(both.models)[both.model_codes[mask]]
        assert names.tolist() == np.array(alone.models)[alone.model_codes].tolist()
    swapped = superpose([BATCH, WEB], duration_ns=20 * SECOND_NS, seed=3)
    assert swapped.digest() == both.digest()
    assert both.footer["generator"]["name"] == "superposition"


def test_tenants_of_one_process_draw_apart() -> None:
    twins = [Tenant(name, "poisson", 50, {"a": 1}) for name in ("one", "two")]
    trace = superpose(twins, duration_ns=20 * SECOND_NS, seed=3)
    assert (np.diff(trace.arrival_ns) > 0).mean() > 0.99


# Footer and errors -------------------------------------------------------------------------------------------------


def test_the_footer_says_how_it_was_made() -> None:
    trace = make_trace("gamma:cv=2", rate_rps=50, duration_ns=SECOND_NS, models={"b": 1, "a": 3}, seed=5)
    assert trace.duration_ns == SECOND_NS
    assert trace.footer["generator"] == {
        "name": "gamma:cv=2",
        "params": {
            "rate_rps": 50,
            "duration_ns": SECOND_NS,
            "models": {"a": 3, "b": 1},
            "bursts": "own",
            "parameters": {"cv": 2.0},
        },
        "seed": 5,
        "version": "1",
    }


EITHER_SIDE = "0.01 to 100, or choose 'constant' for equal gaps"
PHASES = "random, spread, or a number of gaps from 0 to 1"
LASTING = "a finite duration of more than 0 s"


@pytest.mark.parametrize(
    ("spec", "parameter", "found", "advice"),
    [
        ("gamma:cv=0", "cv", "0", EITHER_SIDE),
        ("gamma:cv=nan", "cv", "nan", EITHER_SIDE),
        ("lognormal:cv=-1", "cv", "-1", EITHER_SIDE),
        ("weibull:cv=30", "cv", "30", "0.02 to 20"),
        ("hyperexponential:cv=0.5", "cv", "0.5", "1 to 100"),
        ("pareto:alpha=1", "alpha", "1", "more than 1 and at most 100"),
        ("constant:phase=late", "phase", "'late'", PHASES),
        ("constant:phase=nan", "phase", "'nan'", PHASES),
        ("constant:jitter=-1s", "jitter_s", "-1", "a finite duration of at least 0 s"),
        ("on-off:on=0s,off=1s", "on_s", "0", LASTING),
        ("mmpp:burst_ratio=9,burst_share=1,cycle=1s", "burst_share", "1", "more than 0 and less than 1"),
        ("batch-poisson:size=0.5", "size", "0.5", "1 to 1,000,000"),
        ("batch-poisson:size=2.5,law=fixed", "size", "2.5", "a whole number from 1 to 1,000,000"),
        ("self-similar:hurst=0.5", "hurst", "0.5", "more than 0.5 and less than 1"),
        ("self-similar:hurst=0.8,sources=0", "sources", "0", "1 to 1,000,000"),
        ("ramp:first=0,last=0", "first and last", "0/0", "two numbers of at least 0, not both 0"),
        ("steps:levels=0/0", "levels", "0/0", "numbers of at least 0, not all 0, such as 1/3/2"),
        (
            "piecewise:times=0s/2s/1s,levels=1/1/1",
            "times_s",
            "0/2/1",
            "at least two durations that ascend from 0s, such as 0s/60s/90s",
        ),
        (
            "piecewise:times=0s/1s/1s,levels=0/0/1",
            "levels",
            "0/0/1",
            "a number of at least 0 for each time, not all 0",
        ),
        ("diurnal:amplitude=1.5", "amplitude", "1.5", "0 to 1"),
        ("flash-crowd:magnitude=0.5,start=1s", "magnitude", "0.5", "at least 1"),
    ],
)
def test_a_parameter_out_of_range_is_one_sentence(spec: str, parameter: str, found: str, advice: str) -> None:
    with pytest.raises(TraceError) as error:
        make_process(spec)
    name = spec.partition(":")[0]
    assert str(error.value) == f"arrival process {name}: {parameter} is out of range (found {found}); give {advice}"


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ("gamma", "gamma: cv is missing (found ''); add cv=value"),
        ("poisson:cv=4", "poisson: no parameter cv (has: none); leave it out"),
        ("ramp:cv=0.5,law=hyperexponential", "hyperexponential: cv is out of range (found 0.5); give 1 to 100"),
        (
            "mlperf-offline",
            "mlperf-offline: no trace can hold it (it needs a simulation to run); give it to 'isim run --arrivals'",
        ),
    ],
)
def test_other_mistakes_are_one_sentence(spec: str, problem: str) -> None:
    with pytest.raises(TraceError) as error:
        make_process(spec)
    assert str(error.value) == f"arrival process {problem}"


def test_all_parameters_out_of_range_are_named_at_once() -> None:
    with pytest.raises(TraceError) as error:
        make_process("mmpp:burst_ratio=1,burst_share=1,cycle=0s")
    assert [problem.split()[3] for problem in error.value.problems] == ["burst_ratio", "burst_share", "cycle_s"]


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"rate_rps": 1e-9}, ["no request arrives (expected: 1e-09); raise the rate or the duration"]),
        ({"rate_rps": 3e9}, ["3e+09 requests are too many (at most 2^31); lower the rate or the duration"]),
        ({"rate_rps": 1e300}, ["1e+300 requests are too many (at most 2^31); lower the rate or the duration"]),
        ({"rate_rps": math.nan}, ["the rate must be > 0 and finite (found nan rps); correct it"]),
        ({"models": {"a": 1e308, "b": 1e308}}, ["the weights add up to no finite number; make them smaller"]),
        ({"duration_ns": 0}, ["the duration must be > 0 (found 0 ns); raise it"]),
        (
            {"rate_rps": -1, "models": {"a": -1}, "seed": -1},
            [
                "the weight of 'a' must be > 0 and finite (found -1); correct it",
                "the rate must be > 0 and finite (found -1 rps); correct it",
                "the seed must be >= 0 (found -1); choose another",
            ],
        ),
        ({"models": {}, "bursts": "some"}, [
            "no models; name at least one", "bursts are 'own' or 'shared' (found 'some'); choose one",
        ]),
    ],
)  # fmt: skip
def test_all_problems_of_a_load_are_named_at_once(changes: dict[str, Any], problems: list[str]) -> None:
    given = {"rate_rps": 10, "duration_ns": SECOND_NS, "models": {"a": 1}, "seed": 0, **changes}
    with pytest.raises(TraceError) as error:
        make_trace("poisson", **given)
    assert list(error.value.problems) == [f"trace: {problem}" for problem in problems]


def test_tenants_are_checked_together() -> None:
    with pytest.raises(TraceError) as error:
        superpose([WEB, WEB._replace(rate_rps=0), BATCH._replace(process="gamma")], duration_ns=1, seed=0)
    assert error.value.problems == (
        "trace: two tenants of one name (found 'web'); give each a name of its own",
        "trace: tenant web: the rate must be > 0 and finite (found 0 rps); correct it",
        "arrival process gamma: cv is missing (found ''); add cv=value",
    )
    with pytest.raises(TraceError, match="only is out of range"):
        make_trace("flash-crowd:magnitude=2,start=1s,only=z", rate_rps=9, duration_ns=10**9, models={"a": 1}, seed=0)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("[1.5]", "not an array of int64 (found list)"),
        ("numpy.array([1.5])", "not an array of int64 (found float64)"),
        ("numpy.array([5, 3])", "not ascending (found 3 after 5)"),
        ("numpy.array([0, duration_ns])", "not all within 0 to 1000 ns (found 0 to 1000)"),
    ],
)
def test_a_process_of_ones_own_is_held_to_the_contract(tmp_path: Path, body: str, problem: str) -> None:
    path = tmp_path / "own.py"
    path.write_text(
        f"import numpy\nclass Own:\n    def arrivals_ns(self, rng, rate_rps, duration_ns):\n        return {body}\n"
    )
    with pytest.raises(TraceError) as error:
        make_trace(f"{path}:Own", rate_rps=9, duration_ns=1000, models={"a": 1}, seed=0)
    assert str(error.value) == f"arrival process {path}:Own: its arrivals are {problem}; correct the class"


def test_a_class_that_is_no_process_is_told_what_to_add(tmp_path: Path) -> None:
    path = tmp_path / "own.py"
    path.write_text("class Own:\n    pass\n")
    with pytest.raises(TraceError) as error:
        make_process(f"{path}:Own")
    assert str(error.value) == (
        f"arrival process {path}:Own: no method arrivals_ns (found a Own); "
        "add arrivals_ns(self, rng, rate_rps, duration_ns)"
    )
