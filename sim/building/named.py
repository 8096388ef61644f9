"""What an experiment names, plug-ins, files and models: looked for even where the experiment cannot be built."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from isim.building.experiment_keys import ExperimentKeys, is_analytic
from isim.building.gpu_list import named_profiles
from isim.building.inputs import Inputs, Problems, check_trace_file, load_inputs, read_profile
from isim.building.known_models import check_named_models
from isim.building.objectives import check_objectives
from isim.building.seeded import make_seeded, with_seed
from isim.contention.contention_file import load_contention
from isim.errors import IsimError
from isim.policies.registry import make_policy, parse_policy
from isim.policies.routers.registry import make_router
from isim.traces.generators.registry import make_source


def load_named(experiment: ExperimentKeys) -> Inputs:
    """Return the inputs of an experiment; if they cannot be used, say also what else it names wrongly.

    Raises
    ------
    IsimError
        As `load_inputs` and `check_named`; all problems at once.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> keys = {"rate": "100rps", "duration": "1s", "models": {"resnet50": 1}}
    >>> load_named(Experiment(arrivals=keys, policy="greedy")).models
    ('resnet50',)
    """
    problems = Problems()
    inputs = problems.collect(lambda: load_inputs(experiment))
    if inputs is None:
        problems.collect(lambda: check_named(experiment))
    problems.raise_any()
    assert inputs is not None
    return inputs


def check_named(experiment: ExperimentKeys) -> None:
    """Check the plug-ins and objectives of an experiment whose inputs cannot be used; nothing is said of these.

    Raises
    ------
    IsimError
        A policy, predictor, router, contention model or parameter is wrong, or an objective or what is urgent is of
        no model; all at once.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> check_named(Experiment(policy="greedy"))
    """
    problems = Problems()
    named = {name: getattr(experiment, name) for name in ("policy", "predictor", "router", "contention")}
    policy = _build_each(problems, {name: spec for name, spec in named.items() if spec is not None})
    with suppress(IsimError):
        models = _models(experiment.gpu_profiles)
        problems.collect(lambda: check_objectives(experiment.slo_s, models))
        problems.collect(lambda: check_named_models(policy, models))
    problems.raise_any()


def name_problems(keys: Mapping[str, Any], wrong: Iterable[tuple[int | str, ...]]) -> list[str]:
    """Return what is wrong with what the keys of an experiment name, where the keys are wrong already.

    Requests are neither read nor generated.

    Parameters
    ----------
    keys
        As in an experiment file, unchecked.
    wrong
        The paths of the keys of which enough has been said.

    Examples
    --------
    >>> name_problems({"profile": "no.parquet", "policy": 3}, [("policy",)])
    ["no.parquet: no such file; write one with 'isim profile' or 'isim import profile'"]
    """
    problems, said = Problems(), {*wrong}
    text = {name: each for name, each in keys.items() if isinstance(each, str) and (name,) not in said}
    profile = text.get("profile") if "profile" in keys else ExperimentKeys.model_fields["profile"].default
    profiles = named_profiles(text.get("gpus")) or ((profile,) if profile is not None else ())
    models = problems.collect(lambda: _models(profiles)) if profiles else None
    if "trace" in text:
        problems.collect(lambda: check_trace_file(text["trace"]))
    for process in _processes(keys):
        problems.collect(partial(make_source, process))
    policy = _build_each(problems, text)
    if models is not None and isinstance(slo := keys.get("slo"), Mapping):
        named = [model for model in slo if ("slo", model) not in said]
        problems.collect(lambda: check_objectives(named, models))
    if models is not None:
        problems.collect(lambda: check_named_models(policy, models))
    return problems.sentences


def _build_each(problems: Problems, specs: Mapping[str, str]) -> object:
    """Build what is named, and return the policy, if there is one and it can be built."""
    build: Mapping[str, Callable[[str], object]] = {
        "policy": lambda spec: make_policy(with_seed(parse_policy, spec, 0)),
        "predictor": lambda spec: make_seeded(spec, 0),
        "router": lambda spec: make_router(spec, 0),
        "contention": load_contention,
    }
    built = {name: problems.collect(partial(make, specs[name])) for name, make in build.items() if name in specs}
    return built.get("policy")


def _models(profiles: Iterable[str]) -> set[str]:
    """Return the models of any of the profiles; of one that is computed, all that could be."""
    problems = Problems()
    found = [problems.collect(partial(_models_of, profile)) for profile in dict.fromkeys(profiles)]
    problems.raise_any()
    return {model for models in found for model in models or ()}


def _models_of(profile: str) -> tuple[str, ...]:
    if not is_analytic(profile):
        return read_profile(profile, None).models
    from isim.profiler.networks.registry import network_names

    read_profile(profile, network_names()[:1])  # is there such a GPU?
    return network_names()


def _processes(keys: Mapping[str, Any]) -> list[str]:
    """Return the arrival processes that are named, each once."""
    arrivals = keys.get("arrivals")
    if not isinstance(arrivals, Mapping):
        return []
    tenants = arrivals.get("tenants")
    senders = [arrivals, *(tenants.values() if isinstance(tenants, Mapping) else ())]
    named = [sender.get("process") for sender in senders if isinstance(sender, Mapping)]
    return list(dict.fromkeys(process for process in named if isinstance(process, str)))
