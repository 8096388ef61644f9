"""What a simulation is built from: the inputs, checked together, and the plug-ins, freshly built."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from isim.building.deciding import build_each, build_first, build_router
from isim.building.experiment_keys import ExperimentKeys, is_analytic
from isim.building.inputs import Inputs, Problems
from isim.building.known_models import check_named_models
from isim.building.objectives import check_objectives
from isim.contention.contention_file import load_contention
from isim.contention.contract import ContentionModel
from isim.contention.usable import check_usable
from isim.engine.look_ahead import Foresees
from isim.engine.noise import Noise
from isim.engine.partitions import under_sharing
from isim.errors import ExperimentError, ProfileError
from isim.operations import Operations
from isim.policies.policy import Policy
from isim.policies.predictors.predictor import Predictor
from isim.policies.routers.router import Router
from isim.profiler.profile import Profile
from isim.sharing_modes import Sharing, parse_sharing
from isim.workload import Client, ClosedLoop, Graph, Replay, Step, Workload
from isim.workload.mlperf import Load


class Brain(NamedTuple):
    """What decides on one GPU: each has its own, that sees no other."""

    operations: Operations
    policy: Policy
    predictor: Predictor | None


class World(NamedTuple):
    """What a simulation is built from; none of it has been used."""

    brains: tuple[Brain, ...]
    """By GPU."""
    router: Router | None
    workload: Workload
    contention: ContentionModel
    fitted: dict[str, Any] | None
    """What the contention file says; None for a model by name."""
    noise: Noise | None
    sharing: Sharing


def build(experiment: ExperimentKeys, inputs: Inputs) -> World:
    """Build everything of an experiment but the requests, which are read as the simulation goes on.

    Raises
    ------
    IsimError
        It cannot run; all problems at once.

    Examples
    --------
    >>> from isim.building.inputs import load_inputs
    >>> from isim.experiment import Experiment
    >>> keys = {"rate": "100rps", "duration": "1s", "models": {"resnet50": 1}}
    >>> experiment = Experiment(arrivals=keys, policy="greedy")
    >>> world = build(experiment, load_inputs(experiment))
    >>> type(world.brains[0].policy).__name__, world.sharing.mode, world.noise
    ('Greedy', 'streams', None)
    """
    problems = Problems()
    known = _known_models(experiment, inputs)
    problems.collect(lambda: check_objectives(experiment.slo_s, known))
    workload = problems.collect(lambda: _workload(experiment, inputs))
    kinds = problems.collect(lambda: _operations(experiment, inputs))
    sharing = parse_sharing(experiment.sharing)
    problems.collect(lambda: _check_shares(sharing, inputs))
    deciding = problems.collect(lambda: build_first(experiment))
    if deciding is not None:
        problems.collect(partial(check_named_models, deciding[0], known))
    router = problems.collect(lambda: build_router(experiment))
    loaded = problems.collect(lambda: load_contention(experiment.contention))
    contention, fitted = loaded if loaded is not None else (None, None)
    for laid_out in (kinds or {}).values():
        if workload is not None:
            most = {model: samples for model, samples in workload.most_samples.items() if model in laid_out.models}
            problems.collect(partial(_check_sizes, experiment, most, laid_out))
        if contention is not None:
            problems.collect(partial(check_usable, contention, laid_out, experiment.contention))
        if experiment.noise:
            problems.collect(partial(_check_dispersion, laid_out))
    problems.raise_any()
    assert kinds is not None and workload is not None and deciding is not None and contention is not None
    noise = Noise(experiment.seed) if experiment.noise else None
    profiles = {experiment.profile: inputs.profile, **dict(inputs.others)}
    shared = {name: under_sharing(operations, profiles[name], sharing) for name, operations in kinds.items()}
    brains = [
        Brain(shared[name], *each)
        for name, each in zip(experiment.gpu_profiles, build_each(experiment, deciding), strict=True)
    ]
    for brain in brains:
        if isinstance(brain.predictor, Foresees):  # its contention model may need columns that the profile lacks
            brain.predictor.use(brain.operations, sharing, experiment.concurrency)
    return World(tuple(brains), router, workload, contention, fitted, noise, sharing)


def _operations(experiment: ExperimentKeys, inputs: Inputs) -> dict[str, Operations]:
    """Lay out each kind of GPU, by the name of its profile, with the models that it has."""
    profiles: dict[str, Profile] = {experiment.profile: inputs.profile, **dict(inputs.others)}
    if len(profiles) == 1:
        return {experiment.profile: Operations(inputs.profile, inputs.models, experiment.profile)}
    problems = [
        f"{', '.join(profiles)}: no measurement of model {model!r} in any of them; profile it with 'isim profile', or "
        "map the trace onto models that are profiled"
        for model in inputs.models
        if not any(profile.batch_sizes(model) for profile in profiles.values() if model in profile.models)
    ]
    own = {
        name: [model for model in inputs.models if model in profile.models and profile.batch_sizes(model)]
        for name, profile in profiles.items()
    }
    problems += [
        f"{name}: no measurement of a model that is served here (served: {', '.join(inputs.models)}); "
        "leave its GPUs out, or profile one of them"
        for name, models in own.items()
        if not models
    ]
    if problems:
        raise ProfileError(*problems)
    return {name: Operations(profile, own[name], name) for name, profile in profiles.items()}


def _check_shares(sharing: Sharing, inputs: Inputs) -> None:
    if unknown := [model for model in sharing.shares if model not in inputs.models]:
        raise ExperimentError(
            *(
                f"sharing: no model {model} is served here (served: {', '.join(inputs.models)}); correct the name"
                for model in unknown
            )
        )


def _workload(experiment: ExperimentKeys, inputs: Inputs) -> Workload:
    if (of_all := experiment.clients) is not None:
        models = [model for model, count in of_all.models.items() for _ in range(count)]
        clients = [
            Client(model, of_all.samples, of_all.think_s, of_all.stagger_s * number / len(models), of_all.think_law)
            for number, model in enumerate(models)
        ]
        return ClosedLoop(clients, of_all.requests_per_client, experiment.slo_s, of_all.duration_s, experiment.seed)
    if inputs.trace is not None:
        roots: Workload = Replay(inputs.trace, experiment.slo_s, experiment.trace or "arrivals")
    else:
        assert inputs.scenario is not None and experiment.arrivals is not None
        arrivals, then = experiment.arrivals, {step.model for step in experiment.then}
        models = [model for model in inputs.models if model not in then]
        roots = inputs.scenario.workload(
            Load(models, arrivals.rate_rps, arrivals.duration_s, experiment.slo_s, experiment.seed)
        )
    if not experiment.then:
        return roots
    steps = [Step(step.model, step.after, step.delay_s, step.samples) for step in experiment.then]
    return Graph(roots, steps, experiment.slo_s)


def _known_models(experiment: ExperimentKeys, inputs: Inputs) -> set[str]:
    """Return the models of any GPU's profile, whether requests name them or not."""
    known = {*inputs.models, *inputs.profile.models, *(m for _, other in inputs.others for m in other.models)}
    if any(is_analytic(name) for name in experiment.gpu_profiles):
        from isim.profiler.networks.registry import network_names

        known |= {*network_names()}
    return known


def _check_sizes(experiment: ExperimentKeys, most: Mapping[str, int], operations: Operations) -> None:
    """Refuse requests that hold more samples than the largest profiled batch: no policy could dispatch them."""
    source = experiment.trace or ("arrivals" if experiment.arrivals is not None else "clients")
    largest = {model: operations.batch_sizes(model)[-1] for model in most}
    if problems := [
        f"{source}: a request to {model} holds {samples} samples, and {operations.where} has no measurement at "
        f"that batch size (largest measured: {largest[model]}); profile it with 'isim profile', or split the request"
        for model, samples in most.items()
        if samples > largest[model]
    ]:
        raise ProfileError(*problems)


def _check_dispersion(operations: Operations) -> None:
    missing = [variant for variant in operations.variants.values() if np.isnan(variant.noise_sigma)]
    if missing:
        raise ProfileError(
            f"{operations.where}: column 'duration_mad_ns' is not measured in {len(missing)} of "
            f"{len(operations.variants)} batches (first: {missing[0].model} at batch size {missing[0].batch_size}), "
            "and noise needs it; run without noise, or measure the profile on the device"
        )
