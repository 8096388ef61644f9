"""Plan how many GPUs an experiment takes, which models are on which, and in which batches."""

from isim.building.inputs import Problems, load_inputs
from isim.building.named import check_named
from isim.building.seeded import make_seeded
from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.operations import Operations
from isim.planning.demand import demands
from isim.planning.plan import Plan
from isim.planning.with_gpulets import plan_with_gpulets
from isim.planning.with_nexus import plan_with_nexus


def plan(planner: str, experiment: Experiment) -> Plan:
    """Plan the GPUs of an experiment, which are all of its profile.

    Parameters
    ----------
    planner
        `nexus` or `gpulets`; `igniter` is refused.
    experiment
        Says which requests come, how soon they are due, on which GPU, and, for `gpulets`, by which predictor models
        slow each other down; how it serves them is not looked at.

    Raises
    ------
    IsimError
        An input cannot be used, or there is no plan, as for an objective shorter than two batches; all problems at
        once.

    Examples
    --------
    >>> arrivals = {"rate": "3krps", "models": {"resnet50": 2, "vgg19": 1}}
    >>> found = plan("nexus", Experiment(arrivals=arrivals, slo="20ms"))
    >>> sorted({part.model for part in found.parts})
    ['resnet50', 'vgg19']
    """
    if planner == "igniter":
        raise ExperimentError(
            "plan igniter: needs coefficients that no profile holds (found a profile): of each model's time by batch "
            "size and share of the SMs, its watts, L2 use and sensitivity to it, of the GPU's clock and delays; call "
            "isim.policies.planners.igniter.provision with your own, or choose nexus or gpulets"
        )
    problems = Problems()
    inputs = problems.collect(lambda: load_inputs(experiment))
    problems.collect(lambda: check_named(experiment))
    if inputs is None:
        problems.raise_any()
    assert inputs is not None
    wanted = problems.collect(lambda: demands(experiment, inputs))
    operations = problems.collect(lambda: Operations(inputs.profile, inputs.models, experiment.profile))
    problems.raise_any()
    assert wanted is not None and operations is not None
    if planner == "nexus":
        return plan_with_nexus(wanted, operations)
    spec = experiment.predictor
    predictor = None if spec is None else make_seeded(spec, experiment.seed)
    return plan_with_gpulets(wanted, operations, inputs.profile, predictor)
