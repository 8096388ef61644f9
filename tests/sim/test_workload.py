"""Sources of requests: traces with parents, graphs of steps, clients that end, and MLPerf's scenarios."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import kernel, profile_of, simulate

import isim.building.inputs
from isim.contention.none import NoContention
from isim.errors import ExperimentError, IsimError, TraceError
from isim.experiment import Experiment
from isim.policies.dynamic import Dynamic
from isim.policies.fcfs import Fcfs
from isim.profiler.profile import Profile
from isim.run_schema import DROPPED, REJECTED
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream
from isim.workload import Client, ClosedLoop, Graph, Replay, Step
from isim.workload.mlperf import Load, MultiStream, Offline, Server, SingleStream

MS = 1_000_000


def profile(*models: str, ms: int = 10) -> Profile:
    return profile_of({(model, size): [kernel(ms * MS)] for model in models or ("a",) for size in (1, 2, 4, 8)})


def arrivals_ms(log: Any) -> dict[int, float]:
    return {request.request_id: round(request.arrived_s * 1e3, 6) for request in log.requests}


# Traces with parents -----------------------------------------------------------------------------------------------


def test_a_child_arrives_its_thought_after_its_parent_ends_but_not_before_its_time() -> None:
    trace = Trace.from_columns(
        arrival_ns=[0, 0, 0, 100 * MS],
        model="a",
        request_id=[7, 8, 9, 10],
        parent_id=[None, 7, 8, 7],
        think_ns=[None, 3 * MS, None, None],
        slo_ns=[None, None, 5 * MS, None],
    )
    log, ending = simulate(profile(), Replay(trace, {"*": 0.02}), Fcfs(), NoContention())
    # 7 runs from 0 to 10 ms; 8 from 13 to 23; 9 follows at once; 10 keeps its own, later time.
    assert arrivals_ms(log) == {7: 0, 8: 13, 9: 23, 10: 100}
    assert {r.request_id: round(r.deadline_s * 1e3, 6) for r in log.requests} == {7: 20, 8: 33, 9: 28, 10: 120}
    assert (ending.end_s, ending.unfinished) == (0.11, 0)


def test_a_trace_without_parents_does_not_react() -> None:
    plain = Trace.from_columns(arrival_ns=[0, 1], model="a")
    assert not Replay(plain).reacts
    assert Replay(Trace.from_columns(arrival_ns=[0, 1], model="a", parent_id=[None, 0])).reacts


def test_a_refused_parent_has_ended() -> None:
    trace = Trace.from_columns(arrival_ns=[0, 0, 0, 0], model="a", parent_id=[None, None, None, 2], think_ns=[MS] * 4)
    log, ending = simulate(profile(), Replay(trace), Dynamic(max_batch=1, max_queue_size=1), NoContention())
    assert [how for request, how in log.ends if request.request_id == 2] == [REJECTED]
    assert arrivals_ms(log)[3] == 1
    assert ending.unfinished == 0


def test_children_that_never_arrive_are_unfinished() -> None:
    trace = Trace.from_columns(
        arrival_ns=[0] * 5, model="a", parent_id=[None, 0, 1, 2, 0], think_ns=[0, 0, 8 * MS, 0, 90 * MS]
    )
    log, ending = simulate(profile(), Replay(trace), Fcfs(), NoContention(), horizon_s=0.025)
    # 0 ends at 10 ms and 1 at 20; 2 would arrive at 28, 4 at 100, and 3 waits for 2.
    assert {request.request_id for request, _ in log.ends} == {0, 1}
    assert Counter(request.request_id for request in log.requests) == dict.fromkeys(range(5), 1)
    assert (ending.unfinished, ending.kept_back) == (3, 3)


@pytest.mark.parametrize(
    ("parents", "problems"),
    [
        (
            [None, 9, 8],
            [
                "t.parquet: parent_id names no request of the trace (found 9 in request 1 and 1 more); "
                "correct it, or leave it empty"
            ],
        ),
        (
            [2, 0, 1],
            ["t.parquet: requests wait for each other as parents (found 3, such as 0, 1, 2); break the circle"],
        ),
        (
            [0, None, 7],
            [
                "t.parquet: parent_id names no request of the trace (found 7 in request 2); "
                "correct it, or leave it empty",
                "t.parquet: requests wait for each other as parents (found 1, such as 0); break the circle",
            ],
        ),
    ],
)
def test_impossible_parents_are_refused(parents: list[int | None], problems: list[str]) -> None:
    trace = Trace.from_columns(arrival_ns=[0, 1, 2], model="a", parent_id=parents)
    with pytest.raises(TraceError) as error:
        Replay(trace, where="t.parquet")
    assert list(error.value.problems) == problems


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(-1, 40), st.integers(0, 20)), min_size=1, max_size=40),
    st.none() | st.integers(1, 200),
    st.integers(1, 3),
)
@settings(deadline=None, max_examples=100)
def test_every_request_of_a_forest_ends_once(
    rows: list[tuple[int, int, int]], horizon_ms: int | None, slots: int
) -> None:
    rows.sort()
    parents = [parent if parent < index else None for index, (_, parent, _) in enumerate(rows)]
    trace = Trace.from_columns(
        arrival_ns=[ms * MS for ms, *_ in rows],
        model="a",
        parent_id=[None if parent == -1 else parent for parent in parents],
        think_ns=[think * MS for *_, think in rows],
    )
    horizon_s = None if horizon_ms is None else horizon_ms / 1e3
    log, ending = simulate(profile(), Replay(trace), Fcfs(), NoContention(), slots, horizon_s=horizon_s)
    assert sorted(request.request_id for request in log.requests) == list(range(len(rows)))
    ended = {request.request_id: how for request, how in log.ends}
    assert len(ended) == len(log.ends) == len(rows) - ending.unfinished
    assert horizon_ms is not None or not ending.unfinished
    for request in log.requests:
        parent, own_s = parents[request.request_id], rows[request.request_id][0] / 1e3
        if parent in (None, -1) or parent not in ended:
            assert request.arrived_s == own_s
        else:
            assert parent is not None
            earliest_s = ended[parent].finished_s + rows[request.request_id][2] / 1e3  # type: ignore[union-attr]
            assert request.arrived_s == pytest.approx(max(own_s, earliest_s), abs=1e-12)


def test_a_stream_is_replayed_as_the_trace_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3000
    trace = Trace.from_columns(
        arrival_ns=[index * MS for index in range(count)],
        model=["ab"[index % 7 > 4] for index in range(count)],
        batch=[1 + index % 3 for index in range(count)],
        parent_id=[index - 1 if index % 5 == 1 else None for index in range(count)],
        slo_ns=[20 * MS if index % 2 else None for index in range(count)],
    )
    # Chunks of a few hundred requests: parents and children fall on both sides of an edge.
    chunks = TraceStream(trace.footer, lambda: (trace.table.slice(start, 371) for start in range(0, count, 371)))
    whole, parts = Replay(trace), Replay(chunks)
    assert (parts.models, parts.most_samples, parts.reacts) == (whole.models, whole.most_samples, True)
    logs = [simulate(profile("a", "b", ms=1), replay, Fcfs(), NoContention())[0] for replay in (whole, parts)]
    assert logs[0].requests == logs[1].requests
    trace.write(tmp_path / "t.parquet")
    profile("a", "b").write(tmp_path / "p.parquet")
    runs = []
    for most_held in (isim.building.inputs.MOST_HELD_BYTES, 0):
        monkeypatch.setattr(isim.building.inputs, "MOST_HELD_BYTES", most_held)
        runs.append(Experiment(profile=str(tmp_path / "p.parquet"), trace=str(tmp_path / "t.parquet")).run())
    assert runs[0].summary == runs[1].summary
    found = [run.description["inputs"]["trace"] for run in runs]
    assert [entry.pop("content_sha256") for entry in found] == [trace.digest(), None]
    assert found[0] == found[1]


# Graphs ------------------------------------------------------------------------------------------------------------


def test_a_step_waits_for_the_last_of_what_it_comes_after() -> None:
    roots = Replay(Trace.from_columns(arrival_ns=[0, 200 * MS], model="a"))
    steps = [Step("d", ("b", "c"), delay_s=0.002, samples=4), Step("b", ("a",)), Step("c", ("a",), delay_s=0.005)]
    log, _ = simulate(profile(*"abcd"), Graph(roots, steps, {"d": 0.05}), Fcfs(), NoContention(), slots=2)
    found = [(r.model, round(r.arrived_s * 1e3, 6), r.samples, r.deadline_s) for r in log.requests]
    # a ends at 10; b runs from 10 to 20, c from 15 to 25; d comes 2 ms after c.
    assert found[:4] == [("a", 0, 1, math.inf), ("b", 10, 1, math.inf), ("c", 15, 1, math.inf), ("d", 27, 4, 0.077)]
    assert [(model, ms) for model, ms, *_ in found[4:]] == [("a", 200), ("b", 210), ("c", 215), ("d", 227)]
    assert len({request.request_id for request in log.requests}) == 8


def test_each_root_waits_for_its_own_steps_only() -> None:
    roots = Replay(Trace.from_columns(arrival_ns=[0, 100 * MS], model=["a", "b"]))
    steps = [Step("c", ("a", "b")), Step("d", ("b",))]
    log, _ = simulate(profile(*"abcd"), Graph(roots, steps), Fcfs(), NoContention())
    assert [request.model for request in log.requests] == ["a", "c", "b", "c", "d"]


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        ([Step("a", ("a",))], "step a: a model stands for one step or for the roots; give it another name"),
        ([Step("b", ("x",))], "step b: comes after no known model (found x; known: a, b); correct the name"),
        ([Step("b", ())], "step b: comes after nothing; name the models that it waits for"),
        (
            [Step("b", ("a", "c")), Step("c", ("b",))],
            "steps b, c: wait for each other; remove one of their dependencies",
        ),
    ],
)
def test_steps_that_are_no_graph_are_refused(steps: list[Step], problem: str) -> None:
    with pytest.raises(TraceError) as error:
        Graph(Replay(Trace.from_columns(arrival_ns=[0], model="a")), steps)
    assert error.value.problems == (problem,)


def test_roots_that_react_themselves_are_refused() -> None:
    with pytest.raises(TraceError, match="depend on the run themselves"):
        Graph(ClosedLoop([Client("a")]), [Step("b", ("a",))])


@given(st.lists(st.sets(st.integers(0, 5)), min_size=1, max_size=6), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
def test_random_graphs_run_every_step_once_and_in_order(waits: list[set[int]], slots: int) -> None:
    names = "abcdefg"
    steps = [
        Step(names[index + 1], tuple(names[i] for i in sorted(wait) if i <= index) or ("a",), delay_s=0.001)
        for index, wait in enumerate(waits)
    ]
    roots = Replay(Trace.from_columns(arrival_ns=[0, MS, 30 * MS], model="a"))
    log, ending = simulate(profile(*names), Graph(roots, steps), Fcfs(), NoContention(), slots)
    assert Counter(r.model for r in log.requests) == {"a": 3} | {step.model: 3 for step in steps}
    assert ending.unfinished == 0
    size = len(steps) + 1
    ends_s = {(r.request_id // size, r.model): how.finished_s for r, how in log.ends}  # type: ignore[union-attr]
    for request in log.requests:
        for step in steps:
            if step.model == request.model:
                last_s = max(ends_s[request.request_id // size, model] for model in step.after)
                assert request.arrived_s == pytest.approx(last_s + 0.001, abs=1e-12)


# Clients -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("each", "duration_s", "sent"),
    [(3, None, 3), (3, 0.0, 3), (3, 0.045, 5), (9, 0.045, 9), (None, 0.045, 5), (None, 0.05, 5)],
)
def test_a_client_falls_silent_after_its_requests_and_its_duration(
    each: int | None, duration_s: float | None, sent: int
) -> None:
    log, ending = simulate(
        profile(), ClosedLoop([Client("a")], each, duration_s=duration_s), Fcfs(), NoContention(), horizon_s=1.0
    )
    assert (len(log.ends), ending.unfinished) == (sent, 0)  # one every 10 ms


# MLPerf ------------------------------------------------------------------------------------------------------------


def load(**changes: Any) -> Load:
    return Load(**{"models": ["a"], "rate_rps": None, "duration_s": 0.095, "slo_s": {}, "seed": 1, **changes})


def test_single_stream_sends_one_after_the_other() -> None:
    log, _ = simulate(profile(), SingleStream().workload(load()), Fcfs(), NoContention(), slots=4)
    assert [round(r.arrived_s * 1e3) for r in log.requests] == list(range(0, 100, 10))


def test_multi_stream_sends_queries_of_eight() -> None:
    log, _ = simulate(profile(), MultiStream(queries=12).workload(load()), Fcfs(), NoContention(), slots=4)
    assert [(round(r.arrived_s * 1e3), r.samples) for r in log.requests] == [(ms, 8) for ms in range(0, 120, 10)]


def test_server_sends_at_poisson_instants_and_keeps_the_bound_of_its_model() -> None:
    server = Server().workload(load(models=["bert"], rate_rps=500.0, duration_s=20.0))
    requests = list(server.open())
    assert len(requests) == pytest.approx(10_000, abs=5 * 100)
    assert {round(r.deadline_s - r.arrived_s, 9) for r in requests} == {0.13}
    own = Server().workload(load(rate_rps=500.0, slo_s={"a": 0.5}))
    assert {round(r.deadline_s - r.arrived_s, 9) for r in own.open()} == {0.5}


def test_offline_sends_everything_at_once() -> None:
    requests = list(Offline(samples=100).workload(load()).open())
    assert [(r.arrived_s, r.samples) for r in requests] == [(0.0, 1)] * 100


@pytest.mark.parametrize(
    ("keys", "problems"),
    [
        (
            {"process": "mlperf-server", "models": {"a": 1, "b": 1}},
            [
                "arrivals: mlperf-server is for one model (found a, b); name it with models",
                "arrivals: mlperf-server needs a rate (found none); give its target, such as 200rps",
            ],
        ),
        (
            {"process": "mlperf-offline", "models": {"a": 1}, "rate": "5rps"},
            ["arrivals: mlperf-offline has no rate (found 5 rps); leave it out"],
        ),
        (
            {"process": "mlperf-offline:samples=0", "models": {"a": 1}},
            ["arrival process mlperf-offline: samples is out of range (found 0); give a whole number of at least 1"],
        ),
        (
            {"process": "mlperf-multi-stream:samples=16", "models": {"a": 1}},
            [
                "arrivals: a request to a holds 16 samples, and {profile} has no measurement at that batch size "
                "(largest measured: 8); profile it with 'isim profile', or split the request"
            ],
        ),
    ],
)
def test_a_load_that_does_not_fit_its_scenario_is_refused(
    tmp_path: Path, keys: dict[str, Any], problems: list[str]
) -> None:
    path = tmp_path / "p.parquet"
    profile("a", "b").write(path)
    with pytest.raises(IsimError) as error:
        Experiment(profile=str(path), arrivals=keys).run()
    assert list(error.value.problems) == [problem.format(profile=path) for problem in problems]


def test_scenarios_and_steps_run_from_an_experiment_file(tmp_path: Path) -> None:
    profile("a", "b").write(tmp_path / "p.parquet")
    path = tmp_path / "e.toml"
    path.write_text(
        "profile = 'p.parquet'\nslo = { b = '1s' }\n"
        "[arrivals]\nprocess = 'mlperf-offline:samples=20'\nmodels = { a = 1 }\n"
        "[[then]]\nmodel = 'b'\nafter = ['a']\nsamples = 2\n"
    )
    run = Experiment.from_toml(path).run()
    assert {model: figures["requests"] for model, figures in run.summary["models"].items()} == {"a": 20, "b": 20}
    assert run.description["parameters"]["arrivals"]["duration_s"] == 600
    assert run.summary["models"]["b"]["on_time"] == 20


def test_a_scenario_takes_nothing_over_from_the_built_in_example() -> None:
    experiment = Experiment.from_flags(process="mlperf-single-stream", models={"resnet50": 1}, duration_s=2.0)
    assert experiment.arrivals is not None
    assert (experiment.arrivals.rate_rps, experiment.arrivals.duration_s, experiment.slo_s) == (None, 2.0, {})


def test_a_duration_is_that_of_clients_where_there_are_any(tmp_path: Path) -> None:
    clients = Experiment.from_flags(clients={"resnet50": 2}, duration_s=2.0, stagger_s=0.5, think_law="exponential")
    assert clients.clients is not None
    assert (clients.clients.duration_s, clients.clients.stagger_s) == (2.0, 0.5)
    path = tmp_path / "e.toml"
    path.write_text("clients = { models = { a = 1 }, requests_per_client = 1 }\n")
    again = Experiment.from_flags(path, duration_s=3.0)
    assert again.clients is not None
    assert again.clients.duration_s == 3.0
    arrivals = Experiment.from_flags(path, process="poisson", rate_rps=1.0, duration_s=3.0)
    assert arrivals.arrivals is not None
    assert (arrivals.arrivals.duration_s, arrivals.clients) == (3.0, None)


def test_clients_cause_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("clients = { models = { a = 1 }, requests_per_client = 1 }\n[[then]]\nmodel = 'b'\nafter = ['a']\n")
    with pytest.raises(ExperimentError, match="clients cause no further requests"):
        Experiment.from_toml(path)


def test_dropped_requests_end_too() -> None:
    trace = Trace.from_columns(arrival_ns=[0, 0, 0], model="a", parent_id=[None, None, 1])
    log, ending = simulate(profile(), Replay(trace), Dynamic(max_batch=1, timeout_s=0.005), NoContention())
    assert [how for request, how in log.ends if request.request_id == 1] == [DROPPED]
    assert ending.unfinished == 0
