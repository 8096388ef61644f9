"""An experiment from a file, from flags or from keywords: what it becomes, and what is said of a wrong one."""

import json
from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of

from isim.errors import ContentionError, ExperimentError, IsimError, PolicyError, ProfileError
from isim.experiment import Experiment
from isim.plugins import list_plugins
from isim.profiler.networks.registry import network_names

OWN = "one of your own is written path/to/file.py:Class"
DEFAULT = Path(__file__).parents[2] / "docs" / "examples" / "default.toml"


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Return the path of a profile of models a and b at batch sizes 1 and 4."""
    sizes = {(model, size): [kernel(10**6 * size)] for model in "ab" for size in (1, 4)}
    profile_of(sizes).write(tmp_path / "p.parquet")
    return str(tmp_path / "p.parquet")


def problems(text: str, folder: Path) -> list[str]:
    """Return what is wrong with the keys of an experiment file, without its path; what it names wrongly follows."""
    path = folder / "e.toml"
    path.write_text(text)
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_toml(path)
    of_keys = [problem.startswith(f"{path}: ") for problem in caught.value.problems]
    assert of_keys == sorted(of_keys, reverse=True)
    return [problem.removeprefix(f"{path}: ") for problem in caught.value.problems[: sum(of_keys)]]


def test_the_documented_default_is_the_built_in_one_and_runs() -> None:
    assert (
        Experiment.from_toml(DEFAULT).model_dump() == Experiment().model_dump() == Experiment.from_flags().model_dump()
    )
    figures = Experiment.from_flags(DEFAULT, duration_s=2.0).run().summary
    assert tuple(figures["models"]) == network_names()
    assert 0.85 < figures["total"]["attainment"] < 1
    assert 0.8 < figures["total"]["busy_share"] < 0.99


def test_quantities_lose_their_units(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        'trace = "t.parquet"\nprofile = "sub/p.parquet"\npolicy = "own.py:Mine:size=4"\nhorizon = "2m"\n'
        'slo = { a = "50ms", "*" = "1s" }\nseed = 7\n'
    )
    experiment = Experiment.from_toml(tmp_path / "e.toml")
    assert (experiment.horizon_s, experiment.slo_s, experiment.seed) == (120.0, {"a": 0.05, "*": 1.0}, 7)
    assert experiment.trace == str(tmp_path / "t.parquet")
    assert experiment.profile == str(tmp_path / "sub" / "p.parquet")
    assert experiment.policy == f"{tmp_path}/own.py:Mine:size=4"
    assert (experiment.sharing, experiment.concurrency, experiment.contention) == ("streams", 2, "roofline")


def test_an_experiment_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Experiment().seed = 3


@pytest.mark.parametrize(
    ("keys", "concurrency"),
    [
        ({}, 2),
        ({"sharing": "exclusive"}, 1),
        ({"concurrency": 5}, 5),
        ({"sharing": "exclusive", "concurrency": 1}, 1),
        ({"sharing": "time-slicing"}, 2),
        ({"sharing": "mps:a=0.2,b=0.2,c=0.2"}, 3),
    ],
)
def test_concurrency_follows_sharing(keys: dict[str, Any], concurrency: int) -> None:
    assert Experiment(**keys).concurrency == concurrency


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('polcy = "greedy"', "polcy: unknown key (known: {keys}); did you mean policy?"),
        (
            "arrivals = { rat = '5rps' }",
            "arrivals.rat: unknown key (known: process, tenants, rate, duration, models, bursts); ",
        ),
        ("arrivals = { duration = '5s' }", "arrivals: no rate (found none); give one, such as 200rps"),
        ("arrivals = 5", "arrivals: not a table (found 5); write it as a table"),
        ("horizon = 5", 'horizon: no unit (found 5); write it in quotes and with its unit, such as "50ms"'),
        (
            "horizon = '5'",
            "horizon: not a duration (found '5'); write a number and a unit of ns, us, ms, s, m, min, h, ",
        ),
        ("slo = '0ms'", "slo.*: must be more than 0 and finite (found '0ms'); correct it, such as 50ms"),
        (
            "slo = { vgg19 = '-1s' }",
            "slo.vgg19: must be more than 0 and finite (found '-1s'); correct it, such as 50ms",
        ),
        ("seed = -1", "seed: must be at least 0 (found -1); correct it"),
        ("seed = 1.5", "seed: not a whole number (found 1.5); write one, such as 2"),
        ("noise = 'on'", "noise: neither true nor false (found 'on'); write one of them"),
        ("sharing = 'stream'", "sharing: no such choice (found 'stream'); did you mean 'streams'?"),
        (
            "sharing = 'mig'",
            "sharing: no such choice (found 'mig'); choose 'exclusive', 'streams', 'time-slicing', 'mps'",
        ),
        ("sharing = 'streams:a=1'", "sharing: 'streams' has no parameter (found a); it takes preemption"),
        (
            "sharing = 'time-slicing:turn=2ms'",
            "sharing: 'time-slicing' has no parameter (found turn); it takes quantum and preemption",
        ),
        (
            "sharing = 'time-slicing:quantum=0s'",
            "sharing: quantum: must be at least 1 us and finite (found '0s'); write quantum=2ms",
        ),
        (
            "sharing = 'mps:a=0,b=2'",
            "sharing: a: its part of the SMs must be more than 0 and at most 1 (found '0'); write a=0.5; also "
            "b: its part of the SMs must be more than 0 and at most 1 (found '2'); write b=0.5",
        ),
        ("concurrency = 0", "concurrency: must be at least 1 (found 0); correct it"),
        (
            "sharing = 'exclusive'\nconcurrency = 2",
            "concurrency: sharing 'exclusive' runs one batch at a time (found 2); write 1, or choose sharing 'streams'",
        ),
        (
            "trace = 't.parquet'\narrivals = { rate = '5rps' }",
            "requests come from one place (found trace and arrivals); keep one of them",
        ),
        (
            "trace = 't.parquet'\narrivals = { process = 'poisson', duration = '5s' }",
            "arrivals: only generated requests take process and duration (found trace as well); leave "
            "out --arrivals and --duration, and for less of a trace use --horizon or 'isim trace slice'",
        ),
        (
            "profile = 'p.parquet'",
            "no requests (found neither trace, arrivals nor clients); give one of them",
        ),
        (
            "clients = { models = { a = 1 } }",
            "clients without end (found neither horizon, clients.duration nor clients.requests_per_client); "
            "give one of them",
        ),
        (
            "clients = { models = { a = 1.5 }, requests_per_client = 1 }",
            "clients.models.a: not a whole number (found 1.5)",
        ),
        ("seed = ", "not TOML (Invalid value (at end of document)); correct it"),
    ],
)
def test_one_sentence_a_mistake(text: str, problem: str, tmp_path: Path) -> None:
    keys = (
        "profile, gpus, router, trace, arrivals, clients, then, policy, predictor, sharing, concurrency, contention, "
        "slo, noise, horizon, seed"
    )
    named = any(source in text for source in ("trace", "arrivals", "clients", "profile"))
    found = problems(text if named else f"trace = 't.parquet'\n{text}", tmp_path)
    assert [one for one in found if one.startswith(problem.format(keys=keys) if "{keys}" in problem else problem)]
    assert len(found) == (2 if ".rat:" in problem else 1)


@pytest.mark.parametrize("text", ["", "policy = 'greedy'", "profile = 'analytic:T4'\n[slo]\nresnet50 = '9ms'"])
def test_a_file_without_requests_is_not_the_example(text: str, tmp_path: Path) -> None:
    assert problems(text, tmp_path) == ["no requests (found neither trace, arrivals nor clients); give one of them"]
    (tmp_path / "e.toml").write_text(text)
    assert Experiment.from_flags(tmp_path / "e.toml", rate_rps=5.0).arrivals is not None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("arrivals = { rate = '5rps', models = {} }", "arrivals.models: empty (found {}); name at least one"),
        (
            "arrivals = { rate = '5rps', models = { a = 1e308 } }",
            "arrivals.models.a: must be at most 1000000000000.0 (found 1e+308); correct it",
        ),
        (
            "horizon = '1s'\nclients = { models = { a = 1 }, think = '1e300s' }",
            "clients.think: must be at most 1e+12 (found '1e300s'); correct it, such as 5ms",
        ),
        ("arrivals = { tenants = {} }", "arrivals.tenants: empty (found {}); name at least one"),
        (
            "arrivals = { tenants = { a = { rate = '5rps', models = {} } } }",
            "arrivals.tenants.a.models: empty (found {}); name at least one",
        ),
        (
            "horizon = '1s'\nclients = { models = { a = 999999, b = 2 } }",
            "clients.models: too many clients in all (found 1000001); keep to 1,000,000",
        ),
        ("x = " + 9999 * "[", "not TOML ("),
    ],
    ids=["models", "weights", "pause", "tenants", "a tenant's models", "clients", "nesting"],
)
def test_nothing_and_too_much(text: str, problem: str, tmp_path: Path) -> None:
    [found] = problems(text, tmp_path)
    assert found.startswith(problem)


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    text = (
        "seed = -1\nconcurrency = 0\nplicy = 'x'\n[slo]\na = '0s'\nb = 'x'\n[arrivals]\nbursts = 'poison'\nrate = 5\n"
    )
    assert [problem.partition(":")[0] for problem in problems(text, tmp_path)] == [
        "arrivals.rate", "arrivals.bursts", "concurrency", "slo.a", "slo.b", "seed", "plicy",
    ]  # fmt: skip


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_toml(tmp_path / "no.toml")
    assert str(caught.value) == f"{tmp_path}/no.toml: no such file; give the path of an experiment file (TOML)"


def test_flags_override_the_file(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("seed = 3\nslo = { a = '1s' }\n[arrivals]\nrate = '5rps'\nmodels = { a = 1 }\n")
    merged = Experiment.from_flags(path, rate_rps=7.0, slo_s={"b": 0.1}, concurrency=3)
    assert merged.arrivals is not None
    assert (merged.arrivals.rate_rps, merged.arrivals.models, merged.seed) == (7.0, {"a": 1.0}, 3)
    assert (merged.slo_s, merged.concurrency) == ({"a": 1.0, "b": 0.1}, 3)
    assert Experiment.from_flags(path, slo_s={"*": 0.2}).slo_s == {"*": 0.2}
    traced = Experiment.from_flags(path, trace="t.parquet")
    assert (traced.trace, traced.arrivals) == ("t.parquet", None)
    looped = Experiment.from_flags(path, clients={"a": 2}, think_s=0.005, requests_per_client=9)
    assert looped.clients is not None
    assert (looped.clients.think_s, looped.clients.models, looped.arrivals) == (0.005, {"a": 2}, None)


def test_flags_alone_build_on_the_example_only_if_they_bring_nothing_of_their_own() -> None:
    faster = Experiment.from_flags(rate_rps=900.0, profile="analytic:T4")
    assert faster.arrivals is not None
    assert (faster.arrivals.rate_rps, faster.slo_s) == (900.0, Experiment().slo_s)
    own = Experiment.from_flags(trace="t.parquet", profile="p.parquet")
    assert (own.slo_s, own.arrivals, own.policy) == ({}, None, "dynamic:max_queue_delay=2ms")


def test_a_mistake_in_a_flag_names_the_flag(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("seed = -1\narrivals = { rate = '5rps' }\n")
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_flags(path, bursts="poison", concurrency=0)
    assert caught.value.problems == (
        "--bursts: no such choice (found 'poison'); choose 'own' or 'shared'",
        "--concurrency: must be at least 1 (found 0); correct it",
        f"{path}: seed: must be at least 0 (found -1); correct it",
    )


def refusal(folder: Path, **keys: Any) -> IsimError:
    """Return the error with which an experiment refuses to run; nothing is left behind."""
    before = sorted(folder.iterdir())
    with pytest.raises(IsimError) as caught:
        Experiment(**{"arrivals": {"rate": "100rps", "duration": "1s"}, **keys}).run(folder / "out")
    assert sorted(folder.iterdir()) == before
    return caught.value


def test_every_input_is_checked_before_the_run(tmp_path: Path, profile: str) -> None:
    error = refusal(tmp_path, profile=str(tmp_path / "no.parquet"), arrivals=None, trace=str(tmp_path / "no.csv"))
    assert isinstance(error, ExperimentError)
    assert [problem.partition(": ")[0] for problem in error.problems] == [
        f"{tmp_path}/no.csv",
        f"{tmp_path}/no.parquet",
    ]
    known = ", ".join(plugin.name for plugin in list_plugins("isim.policies"))
    error = refusal(tmp_path, profile=profile, slo={"aa": "5ms"}, policy="gredy", contention="fare")
    assert error.problems == (
        "slo.aa: no such model (has: a, b); did you mean a?",
        f"policy gredy: unknown (known: {known}); did you mean greedy?; {OWN}",
        "contention model fare: unknown (known: block-scheduler, constant, fair, leftover, none, roofline); "
        f"did you mean fair?; {OWN}",
    )
    assert isinstance(refusal(tmp_path, profile=profile, policy="gredy"), PolicyError)


def test_a_model_that_was_not_profiled(tmp_path: Path, profile: str) -> None:
    error = refusal(tmp_path, profile=profile, arrivals={"rate": "9rps", "models": {"a": 1, "c": 1}})
    assert isinstance(error, ProfileError)
    assert str(error).startswith(f"{profile}: no measurement of model 'c' (has: a, b); profile it with 'isim profile'")


def test_a_request_larger_than_every_batch(tmp_path: Path, profile: str) -> None:
    (tmp_path / "t.csv").write_text("arrival_ns,model,batch\n0,a,4\n1,b,5\n")
    error = refusal(tmp_path, profile=profile, arrivals=None, trace=str(tmp_path / "t.csv"))
    assert str(error) == (
        f"{tmp_path}/t.csv: a request to b holds 5 samples, and {profile} has no measurement at that batch size "
        "(largest measured: 4); profile it with 'isim profile', or split the request"
    )
    loop = {"models": {"a": 1}, "samples": 9, "requests_per_client": 1}
    assert str(refusal(tmp_path, profile=profile, arrivals=None, clients=loop)).startswith(
        "clients: a request to a holds 9"
    )


def test_a_contention_model_that_needs_what_was_not_measured(tmp_path: Path) -> None:
    profile_of({("a", 1): [kernel(1000, sm=0.5)]}).write(tmp_path / "p.parquet")
    assert isinstance(refusal(tmp_path, profile=str(tmp_path / "p.parquet")), ContentionError)
    unaffected = Experiment(
        profile=str(tmp_path / "p.parquet"), arrivals={"rate": "100rps", "duration": "1s"}, contention="none"
    ).run()
    assert unaffected.summary["total"]["slowdown_max"] == pytest.approx(1)


def test_clients_send_as_many_requests_as_they_should(profile: str) -> None:
    loop = {"models": {"a": 2, "b": 1}, "think": "1ms", "requests_per_client": 10}
    run = Experiment(profile=profile, clients=loop, policy="fcfs", contention="fair").run()
    assert {model: figures["requests"] for model, figures in run.summary["models"].items()} == {"a": 20, "b": 10}
    assert run.description["inputs"]["trace"] is None
    assert not run.warnings


def test_requests_left_behind_are_told(tmp_path: Path, profile: str) -> None:
    arrivals = {"rate": "100rps", "duration": "2s"}
    cut = Experiment(profile=profile, arrivals=arrivals, horizon="1s").run()
    (warning,) = cut.warnings
    after = cut.description["ending"]["arrivals_after_horizon"]
    assert 0 < after <= cut.summary["total"]["unfinished"]
    assert warning.startswith(f"{after} of {cut.summary['total']['requests']} requests arrive after the horizon")
    (tmp_path / "never.py").write_text("class Never:\n    def decide(self, view, event):\n        return []\n")
    policy = f"{tmp_path}/never.py:Never"
    (warning,) = Experiment(profile=profile, arrivals=arrivals, policy=policy).run().warnings
    assert f"requests were never served: policy {policy} still held them back" in warning
    assert Experiment(profile=profile, arrivals=arrivals).run().warnings == []


def test_a_random_policy_gets_a_stream_of_its_own(tmp_path: Path, profile: str) -> None:
    (tmp_path / "lucky.py").write_text(
        "class Lucky:\n"
        "    def __init__(self, seed: int, size: int = 1):\n"
        "        self.seed, self.size = seed, size\n"
        "    def decide(self, view, event):\n"
        "        return []\n"
    )

    def given(seed: int, parameters: str = "") -> dict[str, int]:
        experiment = Experiment(
            profile=profile, arrivals={"rate": "9rps"}, policy=f"{tmp_path}/lucky.py:Lucky{parameters}", seed=seed
        )
        parameters_given: dict[str, int] = experiment.run().description["policy"]["parameters"]
        return parameters_given

    assert given(1) == given(1) != given(2)
    assert given(1, ":size=3") == {"seed": given(1)["seed"], "size": 3}
    assert given(1, ":seed=5") == given(2, ":seed=5") == {"seed": 5, "size": 1}


def test_what_is_left_out_is_written_down(profile: str) -> None:
    run = Experiment(profile=profile, arrivals={"rate": "9rps"}, policy="static:batch_size=2,max_delay=5ms").run()
    assert run.description["policy"] == {"name": "Static", "parameters": {"batch_size": 2, "max_delay_s": 0.005}}
    assert json.loads(json.dumps(run.description["parameters"]))["arrivals"] == {
        "process": "poisson", "tenants": None, "rate_rps": 9.0, "duration_s": 60.0, "models": None, "bursts": "own",
    }  # fmt: skip
