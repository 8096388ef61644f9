"""Run an experiment: build the simulated world, let it run, and leave a run folder."""

import inspect
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from isim.contention.contract import ContentionModel
from isim.contention.usable import check_usable
from isim.contention_file import load_contention
from isim.errors import ExperimentError, PolicyError, ProfileError, RunError
from isim.experiment_keys import ExperimentKeys, is_analytic
from isim.inputs import Inputs, Problems, describe_file
from isim.look_ahead import Foresees
from isim.metrics import measure
from isim.named import load_named
from isim.noise import Noise
from isim.objectives import check_objectives, own_slo
from isim.operations import Operations
from isim.partitions import under_sharing
from isim.policies.policy import Policy
from isim.policies.predictors.predictor import Predictor
from isim.policies.registry import make_policy, parse_policy
from isim.predicting import Predicting
from isim.recorder import Recorder
from isim.run import DESCRIPTION, Run, versions
from isim.seeded import make_seeded
from isim.sharing_modes import Sharing, parse_sharing
from isim.simulation import Ending, Simulation
from isim.traces.streams import stream
from isim.traces.trace import Trace
from isim.whole_folder import also_taken, check_free, writing
from isim.workload import Client, ClosedLoop, Graph, Replay, Step, Workload
from isim.workload.mlperf import Load


class _World(NamedTuple):
    """What a simulation is built from; none of it has been used."""

    operations: Operations
    workload: Workload
    policy: Policy
    contention: ContentionModel
    fitted: dict[str, Any] | None
    """What the contention file says; None for a model by name."""
    noise: Noise | None
    sharing: Sharing
    predictor: Predictor | None


def simulate(experiment: ExperimentKeys, folder: str | Path | None, force: bool, inputs: Inputs | None) -> Run:
    """Run an experiment; see `isim.experiment.Experiment.run`."""
    temporary = TemporaryDirectory(prefix="isim-") if folder is None else None
    target = Path(temporary.name) / "run" if temporary is not None else Path(folder or "")
    try:
        check_free(target, force, DESCRIPTION)
    except RunError:
        with also_taken(target, force, DESCRIPTION):
            check(experiment, inputs or load_named(experiment))
        raise
    with writing(target, force, DESCRIPTION) as partial:
        inputs = inputs or load_named(experiment)
        world = _build(experiment, inputs)
        recorder = Recorder(partial, experiment.predictor or "")
        predicting = None
        if world.predictor is not None:
            predicting = Predicting(world.predictor, experiment.predictor or "", recorder.predicted)
        try:
            simulation = Simulation(
                world.operations, world.workload, world.policy, world.contention, experiment.concurrency, recorder,
                world.noise, experiment.horizon_s, experiment.policy, world.sharing, predicting,
            )  # fmt: skip
            ending = simulation.run()
            recorder.finish()
        except BaseException:
            recorder.abandon()
            raise
        description = _describe(experiment, inputs, world, ending)
        description["summary"] = measure(partial, ending.end_s)
        Run(partial, description).write_description()
    return Run(target, description, temporary)


def check(experiment: ExperimentKeys, inputs: Inputs) -> None:
    """Check whatever can be checked before an experiment runs.

    Raises
    ------
    IsimError
        It cannot run; all problems at once.
    """
    _build(experiment, inputs)


def takes_seed(policy: str) -> bool:
    """Return whether the seed of a run reaches a policy: its class takes a `seed`, which the spec leaves open."""
    return _with_seed(policy, 0) is not None


def _build(experiment: ExperimentKeys, inputs: Inputs) -> _World:
    problems = Problems()
    problems.collect(lambda: _check_objectives(experiment, inputs))
    workload = problems.collect(lambda: _workload(experiment, inputs))
    operations = problems.collect(lambda: Operations(inputs.profile, inputs.models, experiment.profile))
    sharing = parse_sharing(experiment.sharing)
    problems.collect(lambda: _check_shares(sharing, inputs))
    policy = problems.collect(lambda: make_policy(_seeded(experiment)))
    predictor = None
    if (spec := experiment.predictor) is not None:
        seed = int(stream(experiment.seed, "predictor").integers(1 << 31))
        predictor = problems.collect(lambda: make_seeded(spec, seed))
    loaded = problems.collect(lambda: load_contention(experiment.contention))
    contention, fitted = loaded if loaded is not None else (None, None)
    if operations is not None:
        laid_out = operations
        if workload is not None:
            most = workload.most_samples
            problems.collect(lambda: _check_sizes(experiment, most, laid_out))
        if contention is not None:
            model = contention
            problems.collect(lambda: check_usable(model, laid_out, experiment.contention))
        if experiment.noise:
            problems.collect(lambda: _check_dispersion(laid_out))
    problems.raise_any()
    assert operations is not None and workload is not None and policy is not None and contention is not None
    noise = Noise(experiment.seed) if experiment.noise else None
    operations = under_sharing(operations, inputs.profile, sharing)
    if isinstance(predictor, Foresees):  # its contention model may need columns that the profile lacks
        predictor.use(operations, sharing, experiment.concurrency)
    return _World(operations, workload, policy, contention, fitted, noise, sharing, predictor)


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


def _seeded(experiment: ExperimentKeys) -> str:
    """Return the policy's spec, with a seed from a stream of its own if the class takes one."""
    seed = int(stream(experiment.seed, "policy").integers(1 << 31))
    return _with_seed(experiment.policy, seed) or experiment.policy


def _with_seed(policy: str, seed: int) -> str | None:
    for joint in (":", ","):  # before the first parameter, or after others
        spec = f"{policy.rstrip(': ')}{joint}seed={seed}"
        with suppress(PolicyError):
            if parse_policy(spec)[1].get("seed") == seed:
                return spec
    return None


def _check_objectives(experiment: ExperimentKeys, inputs: Inputs) -> None:
    known = {*inputs.models, *inputs.profile.models}
    if is_analytic(experiment.profile):
        from isim.profiler.networks.registry import network_names

        known |= {*network_names()}
    check_objectives(experiment.slo_s, known)


def _check_sizes(experiment: ExperimentKeys, most: Mapping[str, int], operations: Operations) -> None:
    """Refuse requests that hold more samples than the largest profiled batch: no policy could dispatch them."""
    source = experiment.trace or ("arrivals" if experiment.arrivals is not None else "clients")
    largest = {model: operations.batch_sizes(model)[-1] for model in most}
    if problems := [
        f"{source}: a request to {model} holds {samples} samples, and {experiment.profile} has no measurement at "
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


def _describe(experiment: ExperimentKeys, inputs: Inputs, world: _World, ending: Ending) -> dict[str, Any]:
    policy = type(world.policy)
    requests: dict[str, Any] = {}
    if inputs.trace is not None:
        requests = {
            **(describe_file(experiment.trace) if experiment.trace is not None else {"path": None}),
            # What is not held has no digest but that of its file.
            "content_sha256": inputs.trace.digest() if isinstance(inputs.trace, Trace) else None,
            "own_slo": own_slo(inputs.trace),
        }
    return {
        "versions": versions(),
        "seed": experiment.seed,
        "parameters": experiment.model_dump(mode="json") | {"slo_s": dict(world.workload.slo_s)},
        "inputs": {
            "profile": {
                **({"path": None} if is_analytic(experiment.profile) else describe_file(experiment.profile)),
                "content_sha256": inputs.profile.digest(),
                "device": inputs.profile.footer.get("device"),
            },
            "trace": requests or None,
            "policy": _own_file(experiment.policy),
            "predictor": _own_file(experiment.predictor or ""),
            "contention": _own_file(experiment.contention),
        },
        "provenance": inputs.profile.origin,
        "policy": {"name": policy.__name__, "parameters": _stored(world.policy, policy)},
        "predictor": None
        if world.predictor is None
        else {"name": type(world.predictor).__name__, "parameters": _stored(world.predictor, type(world.predictor))},
        "contention": {
            "name": getattr(world.contention, "name", type(world.contention).__name__),
            "parameters": _stored(world.contention, type(world.contention)),
            "calibrated": world.fitted is not None,
            "note": _calibration(world.fitted),
            "fitted_to": world.fitted and world.fitted.get("inputs"),
        },
        "sharing": {"mode": world.sharing.mode, **world.sharing.parameters},
        "ending": {
            "end_s": ending.end_s,
            "kernel_boundaries": ending.kernel_boundaries,
            "arrivals_after_horizon": 0 if experiment.horizon_s is None else ending.kept_back,
        },
    }


def _own_file(spec: str) -> dict[str, Any] | None:
    """Return the file that a spec names a class of, or that is the spec; None for a name."""
    found = re.match(r"(.+\.(?:py(?=:|$)|toml$))", spec.strip())
    return describe_file(found[1]) if found else None


def _calibration(fitted: dict[str, Any] | None) -> str:
    if fitted is None:
        return "not calibrated for this GPU"
    return f"fitted to {fitted.get('mixes')} measured mixes, sharing {fitted.get('sharing')}"


def _stored(built: object, target: type[Any]) -> Mapping[str, Any]:
    """Return the parameters that a plug-in was built with; it stores them under their names."""
    return {name: _plain(getattr(built, name, None)) for name in inspect.signature(target).parameters}


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back, or else how Python writes it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return repr(value)
