"""A predictor asked about two GPUs, whose models have the same names, answers each from its own profile."""

import pickle

import numpy as np
import pytest

from isim.policies.kernels import Kernels
from isim.policies.predictors.predictor import CoRunner, Member, Observation, Predictor, Stay
from isim.policies.predictors.registry import make_predictor

OF_A_PROFILE = ["linear", "rls", "rls:features=static", "gpulets", "gpulets:coefficients=refit", "igniter", "orion"]
OF_A_PROFILE += ["roofline", "roofline:granularity=batch", "bubble-up", "mechanisms:peculiar=false"]
OF_NAMES = ["pair-table", "mechanisms"]


def profiled(use: float, names: str = "ab", kernels: bool = True) -> list[Member]:
    """Return a pair of which each asks for `use` of every resource, in a few kernels that take as long in all."""
    features = {"sm": use, "l2": use, "dram": use}
    own = Kernels(np.zeros(3), np.full(3, 0.002 / 3), {name: np.full(3, use) for name in features})
    return [Member(name, 1, 0.002, features, kernels=own if kernels else None) for name in names]


def teach(predictor: Predictor, names: str, kernels: bool) -> None:
    """Teach a pair on two GPUs, of which the one that it asks for more of slows it more."""
    for use, slowdown in ((0.9, 1.7), (0.9, 1.9), (0.5, 1.1), (0.5, 1.3)) * 10:
        target, other = profiled(use, names, kernels)
        predictor.learn(Observation(target, 0.002 * slowdown, [Stay(0.002 * slowdown, (other,))], 0.002))


def said(predictor: Predictor, pair: list[Member]) -> tuple[float, float]:
    return predictor.predict(pair[0], [CoRunner(pair[1])])


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "averages"])
@pytest.mark.parametrize("spec", OF_A_PROFILE + OF_NAMES)
def test_being_asked_about_one_gpu_leaves_the_other_alone(spec: str, kernels: bool) -> None:
    asked, fresh = make_predictor(spec), make_predictor(spec)
    said(asked, profiled(0.9, kernels=kernels))
    assert said(asked, profiled(0.3, kernels=kernels)) == said(fresh, profiled(0.3, kernels=kernels))


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "averages"])
@pytest.mark.parametrize("spec", OF_A_PROFILE)
def test_what_was_taught_on_one_gpu_tells_of_the_others_own_profile(spec: str, kernels: bool) -> None:
    """Taught under other names there is nothing to mistake; what these learn does not hang on names."""
    same, other = make_predictor(spec), make_predictor(spec)
    teach(same, "ab", kernels)
    teach(other, "xy", kernels)
    assert said(same, profiled(0.3, "ab", kernels)) == said(other, profiled(0.3, "ab", kernels))


@pytest.mark.parametrize("spec", ["roofline", "orion", "mechanisms"])
def test_kernels_of_the_same_averages_are_told_apart(spec: str) -> None:
    """Half of the time at 0.9 and half at nothing is 0.45 in the mean, as all of it at 0.45 is."""
    even, uneven = (
        [
            Member(name, 1, 0.002, {"sm": 0.45}, kernels=Kernels(np.zeros(2), np.full(2, 0.001), {"sm": np.array(use)}))
            for name in "ab"
        ]
        for use in ([0.45, 0.45], [0.9, 0.0])
    )
    asked = make_predictor(spec)
    assert said(asked, even) != said(asked, uneven)
    assert said(asked, uneven) == said(make_predictor(spec), uneven)


@pytest.mark.parametrize("spec", ["rls", "roofline", "orion", "mechanisms"])
def test_pickling_does_not_mix_profiles_up(spec: str) -> None:
    predictor = make_predictor(spec)
    said(predictor, profiled(0.9))
    twin = pickle.loads(pickle.dumps(predictor))
    for _ in range(50):  # memory that others leave is used again
        assert said(twin, profiled(0.3)) == said(make_predictor(spec), profiled(0.3))
        assert said(twin, profiled(0.9)) == said(predictor, profiled(0.9))
