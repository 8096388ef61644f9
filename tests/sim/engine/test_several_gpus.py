"""Several GPUs in one simulation: what each sees, what a router may not do, what a run folder says."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from worlds import Log, kernel, profile_of, simulate

from isim.building.gpu_list import named_profiles
from isim.compare import compare, is_random
from isim.comparison.variants import Variant
from isim.contention.none import NoContention
from isim.engine.routing import Routing
from isim.engine.surroundings import Served
from isim.errors import ExperimentError, PolicyError, ProfileError, RouterError, RunError
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.operations import Operations
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Arrival, Dispatch, Timer, WakeAt
from isim.policies.registry import make_policy
from isim.policies.routers.registry import make_router
from isim.profiler.profile import Profile
from isim.run import Run
from isim.run_schema import DROPPED, REJECTED
from isim.traces.trace import Trace
from isim.workload import Replay

BOTH = profile_of({(model, 1): [kernel(1_000_000)] for model in "ab"})
ONLY_A = profile_of({("a", 1): [kernel(2_000_000)]})


class Routed:
    """Choose by a function."""

    def __init__(self, choose: Any) -> None:
        self.route = choose


def run(router: Any, profiles: list[Profile], models: str, every_ns: int = 100_000, policies: Any = None) -> Log:
    trace = Trace.from_columns(arrival_ns=[every_ns * i for i in range(len(models))], model=list(models))
    policies = policies or [Fcfs() for _ in profiles]
    served = [Served(Operations(each, each.models), policy) for each, policy in zip(profiles, policies, strict=True)]
    log, _ = simulate(
        profiles[0], Replay(trace), policies[0], NoContention(), further=served[1:], routing=Routing(router, "mine"),
        policy_name="fcfs",
    )  # fmt: skip
    return log


def test_each_gpu_serves_what_it_is_sent_by_its_own_profile() -> None:
    log = run(Routed(lambda fleet, request: 1), [BOTH, ONLY_A], "aa")
    assert [(batch.gpu, batch.dispatched_s, batch.finished_s) for batch in log.batches] == [
        (1, 0.0, 0.002),
        (1, 0.002, 0.004),
    ]


@pytest.mark.parametrize(
    "spec", ["round-robin", "join-shortest-queue", "least-loaded", "power-of-two", "by-model", "earliest-finish"]
)
def test_no_router_sends_a_model_where_it_is_not(spec: str) -> None:
    log = run(make_router(spec, 1), [BOTH, ONLY_A, ONLY_A], "abbaabab" * 5)
    assert len(log.batches) == 40
    assert {batch.gpu for batch in log.batches if batch.model == "b"} == {0}


def raises(fleet: Any, request: Any) -> int:
    raise ValueError("no idea")


@pytest.mark.parametrize(
    ("choose", "sentence"),
    [
        (lambda fleet, request: 2, r"router mine at 0 s: no GPU that serves b \(found 2, it is served by: 0\); return"),
        (lambda fleet, request: 1, r"no GPU that serves b \(found 1, it is served by: 0\)"),
        (lambda fleet, request: True, r"\(found True,"),
        (lambda fleet, request: None, r"\(found None,"),
        (lambda fleet, request: [0], r"\(found \[0\],"),
        (raises, r"router mine at 0 s raised ValueError at .*test_several_gpus\.py:\d+ \(no idea\); correct that line"),
    ],
    ids=["no such GPU", "lacks the model", "bool", "None", "list", "raises"],
)
def test_what_a_router_may_not_choose(choose: Any, sentence: str) -> None:
    with pytest.raises(RouterError, match=sentence):
        run(Routed(choose), [BOTH, ONLY_A], "ba")


def test_a_policy_error_names_the_gpu() -> None:
    class Bad:
        def decide(self, view: Any, event: Any) -> Any:
            return [Dispatch(())]

    with pytest.raises(PolicyError, match="policy fcfs of GPU 1 at 0 s decided"):
        run(Routed(lambda fleet, request: 1), [BOTH, BOTH], "a", policies=[Fcfs(), Bad()])


def test_timers_and_views_of_gpus_do_not_meet() -> None:
    class Sleepy:
        """Dispatch 0.3 ms after an arrival; all GPUs use the same tag."""

        def __init__(self) -> None:
            self.seen: list[int] = []

        def decide(self, view: Any, event: Any) -> Any:
            self.seen.append(sum(map(len, view.queues.values())))
            if isinstance(event, Arrival):
                return [WakeAt(view.now_s + 0.0003, "go")]
            return [Dispatch((view.queues["a"][0],))] if isinstance(event, Timer) else ()

    policies = [Sleepy(), Sleepy()]
    log = run(make_router("round-robin", 0), [BOTH, BOTH], "aa", policies=policies)
    assert [(batch.gpu, round(batch.dispatched_s * 1e9)) for batch in log.batches] == [(0, 300_000), (1, 400_000)]
    assert [policy.seen for policy in policies] == [[1, 1, 0]] * 2


def test_the_router_sees_views_of_now_and_what_is_open() -> None:
    seen = []

    def choose(fleet: Any, request: Any) -> int:
        seen.append((fleet.now_s, fleet.servers[1].now_s, list(fleet.open_requests), list(fleet.open_work_ns)))
        return 0

    run(Routed(choose), [BOTH, BOTH], "aaa", every_ns=750_000)
    assert seen == [
        (0.0, 0.0, [0, 0], [0, 0]),
        (0.00075, 0.00075, [1, 0], [1_000_000, 0]),
        (0.0015, 0.0015, [1, 0], [1_000_000, 0]),  # the first has finished
    ]


def test_open_work_is_the_same_whenever_a_router_begins_to_look() -> None:
    """GPU 1 takes twice as long; requests wait and run there, some are dropped, before anybody looks at the work."""

    def seen(first: int) -> list[list[int]]:
        looked = []

        def choose(fleet: Any, request: Any) -> int:
            if request.request_id >= first:
                looked.append(list(fleet.open_work_ns))
            return request.request_id % 2

        policies = [make_policy("dynamic:max_batch=1,max_queue_size=3,timeout=2500us,timeout_action=reject")] * 2
        log = run(Routed(choose), [BOTH, ONLY_A], "a" * 30, every_ns=300_000, policies=copy.deepcopy(policies))
        assert {how for _, how in log.ends if isinstance(how, int)} == {REJECTED, DROPPED}
        return looked

    always = seen(0)
    assert always[:4] == [[0, 0], [1_000_000, 0], [1_000_000, 2_000_000], [2_000_000, 2_000_000]]
    assert any(max(each) >= 6_000_000 for each in always)
    for first in (1, 7, 20):
        assert seen(first) == always[first:]


ARRIVALS = {"rate": "600rps", "duration": "1s", "models": {"resnet50": 1, "vgg19": 1}}


def test_a_run_folder_of_several_gpus(tmp_path: Path) -> None:
    run = Experiment(gpus=3, arrivals=ARRIVALS, policy="greedy", predictor="mean", slo="50ms").run(tmp_path / "r")
    batches, requests = run.table("batches").to_pydict(), run.table("requests").to_pydict()
    assert set(batches["gpu"]) == {0, 1, 2} == set(run.table("overlaps").to_pydict()["gpu"])
    assert sorted(batches["batch_id"]) == list(range(len(batches["batch_id"])))
    assert None not in requests["finished_s"]
    assert len(run.table("predictions")) == len(batches["batch_id"])
    description = Run.read(tmp_path / "r").description
    assert (description["parameters"]["gpus"], description["parameters"]["router"]) == (3, "join-shortest-queue")
    assert description["router"] == {"name": "JoinShortestQueue", "parameters": {}}


def test_one_gpu_has_no_router_and_says_nothing_of_gpus(tmp_path: Path) -> None:
    folders = [tmp_path / "plain", tmp_path / "one"]
    for folder, more in zip(folders, ({}, {"gpus": 1, "router": "round-robin"}), strict=True):
        Experiment(arrivals=ARRIVALS, policy="greedy", **more).run(folder)
    plain, one = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    described, asked = json.loads(plain.pop("run.json")), json.loads(one.pop("run.json"))
    assert plain == one
    assert asked["parameters"].pop("router") == "round-robin"  # kept, for it is told that it changed nothing
    assert described == asked
    assert not {"gpus", "router"} & described["parameters"].keys()


def test_each_gpu_has_a_predictor_of_its_own() -> None:
    """What one GPU learns does not reach another: as if the models had been run apart."""
    place = {"router": "by-model:place=resnet50@0/vgg19@1", "gpus": 2, "concurrency": 3}
    common: dict[str, Any] = {"policy": "greedy", "predictor": "mean", "profile": "analytic:L4"}
    clients = {"resnet50": 6, "vgg19": 4}

    def said(models: dict[str, int], **more: Any) -> dict[str, list[float]]:
        run = Experiment(clients={"models": models, "requests_per_client": 30}, **common, **more).run()
        model = dict(zip(*(run.table("batches").to_pydict()[name] for name in ("batch_id", "model")), strict=True))
        rows = run.table("predictions").to_pydict()
        found: dict[str, list[float]] = {each: [] for each in models}
        for batch_id, slowdown in zip(rows["batch_id"], rows["predicted_slowdown"], strict=True):
            found[model[batch_id]].append(slowdown)
        return found

    together = said(clients, **place)
    for model, count in clients.items():
        assert together[model] == said({model: count}, concurrency=3)[model]
        assert len(set(together[model])) > 1  # it did learn


def test_gpus_of_several_kinds(tmp_path: Path) -> None:
    run = Experiment(gpus="2xanalytic:L4,analytic:T4", arrivals=ARRIVALS, policy="fcfs", router="round-robin").run(
        tmp_path / "r"
    )
    rows = run.table("batches").to_pydict()
    solo_s = {(gpu, model): s for gpu, model, s in zip(rows["gpu"], rows["model"], rows["solo_s"], strict=True)}
    assert solo_s[0, "vgg19"] == solo_s[1, "vgg19"] != solo_s[2, "vgg19"]
    assert run.description["inputs"]["other_profiles"][0]["device"]["name"] == "T4"
    assert run.description["parameters"]["profile"] == "analytic:L4"
    with pytest.raises(
        RunError, match=r"GPUs of several kinds \(found 2xanalytic:L4,analytic:T4\), and predictors are"
    ):
        run_cases(run)


def test_models_that_some_gpus_or_all_lack(tmp_path: Path) -> None:
    for name, profile in (("both", BOTH), ("a", ONLY_A), ("c", profile_of({("c", 1): [kernel(1000)]}))):
        profile.write(tmp_path / f"{name}.parquet")

    def served(gpus: str, *models: str) -> set[tuple[int, str]]:
        listed = ",".join(str(tmp_path / f"{name}.parquet") for name in gpus.split(","))
        arrivals = {"rate": "300rps", "duration": "1s", "models": dict.fromkeys(models, 1)}
        rows = Experiment(gpus=listed, arrivals=arrivals, policy="fcfs").run().table("batches").to_pydict()
        return set(zip(rows["gpu"], rows["model"], strict=True))

    assert served("both,a", "a", "b") == {(0, "a"), (0, "b"), (1, "a")}
    with pytest.raises(ProfileError, match=r"a\.parquet, .*c\.parquet: no measurement of model 'b' in any of them"):
        served("a,c", "a", "b", "c")
    with pytest.raises(ProfileError, match=r"c\.parquet: no measurement of a model that is served here"):
        served("both,c", "a", "b")


def test_paths_of_gpus_are_relative_to_the_file(tmp_path: Path) -> None:
    BOTH.write(tmp_path / "p.parquet")
    file = tmp_path / "e.toml"
    file.write_text('gpus = "2xp.parquet,analytic:L4"\nrouter = "mine.py:Own"\n[arrivals]\nrate = "9rps"\n')
    experiment = Experiment.from_toml(file)
    assert experiment.gpu_profiles == (str(tmp_path / "p.parquet"),) * 2 + ("analytic:L4",)
    assert (experiment.profile, experiment.router) == (str(tmp_path / "p.parquet"), str(tmp_path / "mine.py:Own"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"gpus": 0}, "gpus: must be at least 1 and at most 4096 GPUs (found 0); correct it, such as 4"),
        ({"gpus": "9999999xa.parquet"}, "gpus: must be at least 1 and at most 4096 GPUs"),
        ({"gpus": "4x"}, "gpus: neither a number nor profiles (found '4x'); write 4, or 2xA.parquet,B.parquet"),
        ({"gpus": "-1"}, "gpus: neither a number nor profiles (found '-1'); write 4, or 2xA.parquet,B.parquet"),
        ({"gpus": True}, "gpus: neither a number nor profiles (found True); write 4, or 2xA.parquet,B.parquet"),
        ({"gpus": "a.parquet,"}, "gpus: names no profile (found 'a.parquet,'); write 4"),
        ({"gpus": "2xa.parquet", "profile": "b.parquet"}, "gpus: names profiles, and so does profile=b.parquet (found"),
    ],
    ids=["none", "too many", "half", "negative", "bool", "empty", "profiles twice"],
)
def test_gpus_that_cannot_be(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_keys({"arrivals": {"rate": "9rps"}, **given}, "")
    assert caught.value.problems[0].startswith(sentence)


def test_a_number_may_be_text_and_spaces_do_not_matter() -> None:
    assert Experiment(gpus=" 4 ").gpu_profiles == ("analytic:L4",) * 4
    assert named_profiles(" 2xa , b") == ("a", "a", "b")


def test_a_router_that_draws_makes_a_comparison_random(tmp_path: Path) -> None:
    Trace.from_columns(arrival_ns=[0, 1], model=["a", "a"]).write(tmp_path / "t.parquet")
    BOTH.write(tmp_path / "p.parquet")

    def drawn(**more: Any) -> bool:
        files = {"trace": str(tmp_path / "t.parquet"), "profile": str(tmp_path / "p.parquet")}
        return is_random([Variant("one", Experiment(policy="fcfs", **files, **more))])

    assert drawn(gpus=2, router="power-of-two")
    assert not drawn(gpus=1, router="power-of-two")
    assert not drawn(gpus=2, router="power-of-two:seed=1")
    assert not drawn(gpus=2)


def test_variants_have_gpus_of_the_same_kinds() -> None:
    kinds = ("2xanalytic:L4", "analytic:L4,analytic:T4")
    variants = [Variant(gpus, Experiment(gpus=gpus, arrivals=ARRIVALS)) for gpus in kinds]
    with pytest.raises(
        ExperimentError, match=r"variant analytic:L4,analytic:T4: other profiles than the first variant's"
    ):
        compare(variants)
