"""What decides on each GPU, built by the specs of an experiment, each with randomness of its own."""

import inspect
from collections.abc import Iterator

from isim.building.experiment_keys import ExperimentKeys
from isim.building.inputs import Problems
from isim.building.seeded import make_seeded, with_seed
from isim.policies.policy import Policy
from isim.policies.predictors.predictor import Predictor
from isim.policies.predictors.registry import parse_predictor
from isim.policies.registry import make_policy, parse_policy
from isim.policies.routers.registry import make_router
from isim.policies.routers.router import Router
from isim.traces.streams import stream

ROUTER = "join-shortest-queue"
"""If none is named."""

Deciding = tuple[Policy, Predictor | None]


def takes_seed(policy: str) -> bool:
    """Return whether the seed of a run reaches a policy: its class takes a `seed`, which the spec leaves open.

    Examples
    --------
    >>> takes_seed("greedy")
    False
    """
    return with_seed(parse_policy, policy, 0) != policy


def build_first(experiment: ExperimentKeys) -> Deciding:
    """Build what decides on the first GPU.

    Raises
    ------
    IsimError
        The policy, the predictor or a parameter is unknown or wrong; all at once.

    Examples
    --------
    >>> policy, predictor = build_first(ExperimentKeys(policy="greedy", predictor="mean"))
    >>> type(policy).__name__, type(predictor).__name__
    ('Greedy', 'Mean')
    """
    problems = Problems()
    policy = problems.collect(lambda: make_policy(_seeded(experiment)))
    predictor = None
    if (spec := experiment.predictor) is not None:
        predictor = problems.collect(lambda: make_seeded(spec, _seed(experiment, "predictor")))
    problems.raise_any()
    assert policy is not None
    return policy, predictor


def build_each(experiment: ExperimentKeys, first: Deciding) -> Iterator[Deciding]:
    """Yield what decides on each GPU, built by the same specs; the randomness of each is its own.

    Examples
    --------
    >>> two = ExperimentKeys(policy="greedy", gpus=2)
    >>> len({id(policy) for policy, _ in build_each(two, build_first(two))})
    2
    """
    yield first
    if len(experiment.gpu_profiles) == 1:
        return
    # A spec is looked up once, which takes longer than building by it.
    policy, parameters = parse_policy(_seeded(experiment))
    drawn = takes_seed(experiment.policy)
    predictor, believed = (None, {}) if (spec := experiment.predictor) is None else parse_predictor(spec)
    guessed = predictor is not None and "seed" in {*inspect.signature(predictor).parameters} - {*believed}
    for gpu in range(1, len(experiment.gpu_profiles)):
        own = {"seed": _seed(experiment, "policy", gpu)} if drawn else {}
        of_predictor = {"seed": _seed(experiment, "predictor", gpu)} if guessed else {}
        yield policy(**{**parameters, **own}), None if predictor is None else predictor(**believed, **of_predictor)


def build_router(experiment: ExperimentKeys) -> Router | None:
    """Build what chooses the GPU of a request; None where there is one GPU.

    Raises
    ------
    RouterError
        It is unknown, or a parameter is wrong, also where there is one GPU.

    Examples
    --------
    >>> build_router(ExperimentKeys()), type(build_router(ExperimentKeys(gpus=2))).__name__
    (None, 'JoinShortestQueue')
    """
    several = len(experiment.gpu_profiles) > 1
    if not several and experiment.router is None:
        return None
    router = make_router(experiment.router or ROUTER, _seed(experiment, "router"))
    return router if several else None


def _seed(experiment: ExperimentKeys, name: str, gpu: int = 0) -> int:
    names = (name, str(gpu)) if gpu else (name,)
    return int(stream(experiment.seed, *names).integers(1 << 31))


def _seeded(experiment: ExperimentKeys) -> str:
    """Return the policy's spec, with a seed from a stream of its own if the class takes one."""
    return with_seed(parse_policy, experiment.policy, _seed(experiment, "policy"))
