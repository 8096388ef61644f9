"""Run an experiment: build the simulated world, let it run, and leave a run folder."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from isim.building.deciding import ROUTER
from isim.building.experiment_keys import ExperimentKeys, is_analytic
from isim.building.inputs import Inputs, describe_file
from isim.building.named import load_named
from isim.building.objectives import own_slo
from isim.building.world import World, build
from isim.engine.predicting import Predicting
from isim.engine.recorder import Recorder
from isim.engine.routing import Routing
from isim.engine.simulation import Ending, Simulation
from isim.engine.surroundings import Served
from isim.errors import RunError
from isim.metrics import measure
from isim.policies.predictors.predictor import Predictor
from isim.profiler.profile import Profile
from isim.run import DESCRIPTION, Run, versions
from isim.traces.trace import Trace
from isim.whole_folder import also_taken, check_free, writing


def simulate(experiment: ExperimentKeys, folder: str | Path | None, force: bool, inputs: Inputs | None) -> Run:
    """Run an experiment; see `isim.experiment.Experiment.run`.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> simulate(Experiment.from_flags(rate_rps=100.0, duration_s=0.5), None, False, None).summary["total"]["requests"]
    43
    """
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
        world = build(experiment, inputs)
        recorder = Recorder(partial, experiment.predictor or "")
        try:
            simulation = _simulation(experiment, world, recorder)
            ending = simulation.run()
            recorder.finish()
        except BaseException:
            recorder.abandon()
            raise
        description = _describe(experiment, inputs, world, ending)
        if getattr(world.brains[0].policy, "gate", None) is not None:
            description["sharing"] |= {"launch_s": world.sharing.launch_s}
        if recorder.preemptions:
            description["sharing"] |= {"preemption_s": world.sharing.preemption_s}
            description["ending"] |= {"preemptions": recorder.preemptions}
        description["summary"] = measure(partial, ending.end_s, gpus=len(world.brains))
        Run(partial, description).write_description()
    return Run(target, description, temporary)


def _simulation(experiment: ExperimentKeys, world: World, recorder: Recorder) -> Simulation:
    def predicting(predictor: Predictor | None) -> Predicting | None:
        if predictor is None:
            return None
        return Predicting(predictor, experiment.predictor or "", recorder.predicted)

    (operations, policy, predictor), *others = world.brains
    further = [Served(each.operations, each.policy, predicting(each.predictor)) for each in others]
    routing = None if world.router is None else Routing(world.router, experiment.router or ROUTER)
    return Simulation(
        operations, world.workload, policy, world.contention, experiment.concurrency, recorder, world.noise,
        experiment.horizon_s, experiment.policy, world.sharing, predicting(predictor), further, routing,
    )  # fmt: skip


def check(experiment: ExperimentKeys, inputs: Inputs) -> None:
    """Check whatever can be checked before an experiment runs.

    Raises
    ------
    IsimError
        It cannot run; all problems at once.

    Examples
    --------
    >>> from isim.experiment import Experiment
    >>> experiment = Experiment.from_flags(slo_s={"brt": 0.05}, rate_rps=100.0, duration_s=0.5)
    >>> check(experiment, load_named(experiment))
    Traceback (most recent call last):
    isim.errors.ExperimentError: slo.brt: no such model (has: ...); ...
    """
    build(experiment, inputs)


def _describe(experiment: ExperimentKeys, inputs: Inputs, world: World, ending: Ending) -> dict[str, Any]:
    several = len(world.brains) > 1
    left_out = {"gpus"} | ({"router"} if experiment.router is None else set())  # of one GPU; a router is told of
    return {
        "versions": versions(),
        "seed": experiment.seed,
        "parameters": experiment.model_dump(mode="json", exclude=None if several else left_out)
        | {"slo_s": dict(world.workload.slo_s)}
        | ({"router": experiment.router or ROUTER} if several else {}),
        "inputs": _describe_inputs(experiment, inputs),
        "provenance": _weakest([inputs.profile.origin, *(other.origin for _, other in inputs.others)]),
        "policy": _named(world.brains[0].policy),
        "predictor": _named(world.brains[0].predictor),
        **({"router": _named(world.router)} if several else {}),
        "contention": {
            "name": getattr(world.contention, "name", type(world.contention).__name__),
            "parameters": _stored(world.contention),
            "calibrated": world.fitted is not None,
            "note": _calibration(world.fitted),
            "fitted_sharing": world.fitted and world.fitted.get("sharing"),
            "fitted_to": world.fitted and world.fitted.get("inputs"),
        },
        "sharing": {"mode": world.sharing.mode, **world.sharing.parameters},
        "ending": {
            "end_s": ending.end_s,
            "kernel_boundaries": ending.kernel_boundaries,
            "arrivals_after_horizon": 0 if experiment.horizon_s is None else ending.kept_back,
        },
    }


def _describe_inputs(experiment: ExperimentKeys, inputs: Inputs) -> dict[str, Any]:
    requests: dict[str, Any] = {}
    if inputs.trace is not None:
        requests = {
            **(describe_file(experiment.trace) if experiment.trace is not None else {"path": None}),
            # What is not held has no digest but that of its file.
            "content_sha256": inputs.trace.digest() if isinstance(inputs.trace, Trace) else None,
            "own_slo": own_slo(inputs.trace),
        }
    return {
        "profile": _profile(experiment.profile, inputs.profile),
        **({"other_profiles": [_profile(*other) for other in inputs.others]} if inputs.others else {}),
        "trace": requests or None,
        "policy": _own_file(experiment.policy),
        "predictor": _own_file(experiment.predictor or ""),
        "contention": _own_file(experiment.contention),
    }


def _profile(name: str, profile: Profile) -> dict[str, Any]:
    return {
        **({"path": None} if is_analytic(name) else describe_file(name)),
        "content_sha256": profile.digest(),
        "device": profile.footer.get("device"),
    }


def _weakest(origins: Sequence[str]) -> str:
    """Return what a result derived from several profiles is: no better than the worst of them."""
    return max(origins, key=("measured", "imported", "analytic").index)


def _own_file(spec: str) -> dict[str, Any] | None:
    """Return the file that a spec names a class of, or that is the spec; None for a name."""
    found = re.match(r"(.+\.(?:py(?=:|$)|toml$))", spec.strip())
    return describe_file(found[1]) if found else None


def _calibration(fitted: dict[str, Any] | None) -> str:
    if fitted is None:
        return "not calibrated for this GPU"
    return f"fitted to {fitted.get('mixes')} measured mixes, sharing {fitted.get('sharing')}"


def _named(built: object) -> dict[str, Any] | None:
    return None if built is None else {"name": type(built).__name__, "parameters": _stored(built)}


def _stored(built: object) -> Mapping[str, Any]:
    """Return the parameters that a plug-in was built with; it stores them under their names."""
    return {name: _plain(getattr(built, name, None)) for name in inspect.signature(type(built)).parameters}


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back, or else how Python writes it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        return repr(value)
