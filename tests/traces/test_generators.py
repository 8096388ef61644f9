"""The arrival processes against their laws; seeds are fixed, bands are those of the theory."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from isim.errors import TraceError
from isim.traces.generators.constant import constant
from isim.traces.generators.gamma import gamma
from isim.traces.generators.poisson import poisson
from isim.traces.make import PROCESSES, make_trace
from isim.traces.statistics import index_of_dispersion
from isim.traces.trace import Trace

SECOND_NS = 10**9
RATE_RPS = 100.0
LENGTH_NS = 1000 * SECOND_NS
SIGMAS = 4.0


def gaps_s(arrival_ns: np.ndarray) -> np.ndarray:
    return np.diff(arrival_ns) / SECOND_NS


@pytest.mark.parametrize("cv", [0.25, 1.0, 4.0])
def test_gamma_follows_its_law(cv: float) -> None:
    arrivals = gamma(np.random.default_rng(7), RATE_RPS, LENGTH_NS, cv=cv)
    assert abs(len(arrivals) - 1e5) < SIGMAS * cv * math.sqrt(1e5)
    gaps = gaps_s(arrivals)
    # The delta method on the moments of a gamma law: its skewness is 2 cv, its kurtosis 3 + 6 cv^2.
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=SIGMAS * math.sqrt((1 + cv**2) / 2 / len(gaps)))
    # Rounding to nanoseconds distorts the very short gaps; at CV 4 nearly a third are shorter than one.
    law = stats.gamma(1 / cv**2, scale=cv**2 / RATE_RPS)
    short_s = 1e-6
    assert stats.binomtest(int((gaps <= short_s).sum()), len(gaps), law.cdf(short_s)).pvalue > 0.01
    long = gaps[gaps > short_s]
    assert stats.kstest(1 - law.sf(long) / law.sf(short_s), "uniform").pvalue > 0.01


def test_poisson_follows_its_law() -> None:
    arrivals = poisson(np.random.default_rng(7), RATE_RPS, LENGTH_NS)
    assert abs(len(arrivals) - 1e5) < SIGMAS * math.sqrt(1e5)
    gaps = gaps_s(arrivals)
    assert stats.kstest(gaps, stats.expon(scale=1 / RATE_RPS).cdf).pvalue > 0.01
    assert stats.kstest(arrivals / LENGTH_NS, "uniform").pvalue > 0.01
    lag_1 = np.corrcoef(gaps[1:], gaps[:-1])[0, 1]
    assert abs(lag_1) < SIGMAS / math.sqrt(len(gaps))
    dispersion = index_of_dispersion(arrivals, LENGTH_NS, SECOND_NS)
    assert dispersion == pytest.approx(1, abs=SIGMAS * math.sqrt(2 / 1000))


def test_dispersion_of_gamma_tends_to_the_square_of_its_cv() -> None:
    arrivals = gamma(np.random.default_rng(7), 1000, 2000 * SECOND_NS, cv=4)
    dispersion = index_of_dispersion(arrivals, 2000 * SECOND_NS, 10 * SECOND_NS)
    assert dispersion == pytest.approx(16, rel=SIGMAS * math.sqrt(2 / 200))


def test_constant_gaps_are_equal_and_the_phase_is_random() -> None:
    arrivals = constant(np.random.default_rng(7), 3.0, 10 * SECOND_NS)
    assert set(np.diff(arrivals)) <= {333_333_333, 333_333_334}
    rng = np.random.default_rng(7)
    phases = [constant(rng, 1.0, SECOND_NS)[0] for _ in range(500)]
    assert stats.kstest(np.array(phases) / SECOND_NS, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    ("process", "parameters"), [("constant", {}), ("poisson", {}), ("gamma", {"cv": 3}), ("gamma", {"cv": 0.2})]
)
def test_the_rate_holds_from_the_first_moment(process: str, parameters: dict[str, float]) -> None:
    """In windows of 2.5 mean gaps, too: a process that started with an arrival would hold too many there."""
    rng = np.random.default_rng(3)
    counts = [len(PROCESSES[process](rng, 1.0, 5 * SECOND_NS // 2, **parameters)) for _ in range(4000)]
    assert np.mean(counts) == pytest.approx(2.5, abs=SIGMAS * stats.sem(counts))
    if process == "constant":
        assert set(counts) == {2, 3}


@given(
    st.sampled_from([("constant", {}), ("poisson", {}), ("gamma", {"cv": 0.1}), ("gamma", {"cv": 20.0})]),
    st.floats(0.001, 1e4),
    st.integers(1, 5 * SECOND_NS),
    st.integers(0, 2**32),
)
def test_arrivals_ascend_within_the_window(
    process: tuple[str, dict[str, float]], rate_rps: float, duration_ns: int, seed: int
) -> None:
    name, parameters = process
    arrivals = PROCESSES[name](np.random.default_rng(seed), rate_rps, duration_ns, **parameters)
    assert arrivals.dtype == np.int64
    assert (np.diff(arrivals) >= 0).all()
    assert ((arrivals >= 0) & (arrivals < duration_ns)).all()


def arrivals_of(trace: Trace, model: str) -> list[int]:
    return trace.arrival_ns[trace.model_codes == trace.models.index(model)].tolist()


@given(
    st.sampled_from([("constant", {}), ("poisson", {}), ("gamma", {"cv": 3.0})]),
    st.integers(0, 2**64),
    st.permutations(["a", "b", "c"]),
)
def test_a_model_more_leaves_the_others_alone(
    process: tuple[str, dict[str, float]], seed: int, order: list[str]
) -> None:
    name, parameters = process
    weights = {"a": 1.0, "b": 2.0, "c": 1.0}
    duration_ns = 20 * SECOND_NS
    alone = {
        model: make_trace(
            name, rate_rps=10 * weights[model], duration_ns=duration_ns, models={model: 1}, seed=seed, **parameters
        )
        for model in weights
    }
    models = {model: weights[model] for model in order}
    together = make_trace(name, rate_rps=40, duration_ns=duration_ns, models=models, seed=seed, **parameters)
    for model, trace in alone.items():
        assert arrivals_of(together, model) == trace.arrival_ns.tolist()
    assert len(together) == sum(map(len, alone.values()))


def test_simultaneous_requests_follow_the_names_of_their_models() -> None:
    one, two = (
        make_trace("poisson", rate_rps=2e9, duration_ns=1000, models=dict.fromkeys(names, 1.0), seed=1)
        for names in ("ab", "ba")
    )
    ties = np.diff(one.arrival_ns) == 0
    assert ties.any()
    assert (np.diff(one.model_codes)[ties] >= 0).all()
    assert one.digest() == two.digest()


def test_superposed_poisson_streams_are_poisson_and_independent() -> None:
    trace = make_trace("poisson", rate_rps=RATE_RPS, duration_ns=LENGTH_NS, models={"a": 3, "b": 1, "c": 1}, seed=11)
    assert stats.kstest(gaps_s(trace.arrival_ns), stats.expon(scale=1 / RATE_RPS).cdf).pvalue > 0.01
    counts = np.bincount(trace.model_codes)
    assert stats.chisquare(counts, np.array([0.6, 0.2, 0.2]) * counts.sum()).pvalue > 0.01
    pairs = np.zeros((3, 3))
    np.add.at(pairs, (trace.model_codes[:-1], trace.model_codes[1:]), 1)
    assert stats.chi2_contingency(pairs).pvalue > 0.01


def test_same_seed_same_bytes_other_seed_other_arrivals(tmp_path) -> None:
    paths = [tmp_path / name for name in ("one", "two", "three")]
    for path, seed in zip(paths, (5, 5, 6), strict=True):
        make_trace("gamma", rate_rps=50, duration_ns=SECOND_NS, models={"a": 1, "b": 1}, seed=seed, cv=2).write(path)
    one, two, three = (path.read_bytes() for path in paths)
    assert one == two
    assert one != three


def test_the_footer_says_how_it_was_made() -> None:
    trace = make_trace("gamma", rate_rps=50, duration_ns=SECOND_NS, models={"b": 1, "a": 3}, seed=5, cv=2)
    assert trace.duration_ns == SECOND_NS
    assert trace.footer["generator"] == {
        "name": "gamma",
        "params": {"rate_rps": 50, "duration_ns": SECOND_NS, "models": {"a": 3, "b": 1}, "cv": 2},
        "seed": 5,
        "version": "1",
    }


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"rate_rps": 1e-9}, ["no request arrives (expected: 1e-09); raise the rate or the duration"]),
        ({"rate_rps": 3e9}, ["3e+09 requests are too many (at most 2^31); lower the rate or the duration"]),
        ({"rate_rps": math.nan}, ["rate and duration must be > 0 (found nan rps, 1000000000 ns); raise them"]),
        ({"duration_ns": 0}, ["rate and duration must be > 0 (found 10 rps, 0 ns); raise them"]),
        ({"process": "posson"}, ["no arrival process 'posson'; choose one of constant, gamma, poisson"]),
        ({"cv": 4}, ["poisson has no cv; leave it out"]),
        ({"process": "gamma"}, ["gamma needs its cv; give it, such as cv=4"]),
        (
            {"process": "gamma", "cv": 0, "models": {"a": -1}, "seed": -1},
            [
                "cv must be > 0 and at most 100 (found 0); choose 'constant' for equal gaps",
                "the weight of 'a' must be > 0 and finite (found -1); correct it",
                "the seed must be >= 0 (found -1); choose another",
            ],
        ),
        ({"models": {}}, ["no models; name at least one"]),
    ],
)
def test_all_problems_are_named_at_once(changes: dict, problems: list[str]) -> None:
    given = {"process": "poisson", "rate_rps": 10, "duration_ns": SECOND_NS, "models": {"a": 1}, "seed": 0, **changes}
    with pytest.raises(TraceError) as error:
        make_trace(given.pop("process"), **given)
    assert list(error.value.problems) == [f"trace: {problem}" for problem in problems]
