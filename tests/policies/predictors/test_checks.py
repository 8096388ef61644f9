"""`check_predictor` passes every built-in, and each bad predictor is caught by the check that is there for it."""

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from isim.policies.predictors.checks import PREDICTOR_CHECKS, check_predictor
from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.predictor import Observation, Prediction, Predictor
from isim.policies.predictors.registry import make_predictor

GOOD = [
    "none",
    "constant",
    "mean",
    "pair-table",
    "linear:train=50",
    "sgd",
    "sgd:features=static,schedule=inverse-sqrt,clip=1",
    "nlms:features=ewma",
    "passive-aggressive:features=ewma-predicted",
    "rls",
    "rls:forgetting=1,features=static",
    "rls:features=remaining,resources=l2/dram",
    "rls:target=absolute",
    "kalman",
    "bayesian:target=absolute",
    "quantile",
    "gradient-boosting:trees=5,window=100,every=100",
    "mlp:layers=4,window=100,every=100",
    "river",
    "river:model=linear_model.PARegressor",
    "gpulets",
    "gpulets:coefficients=refit,features=overlap",
    "igniter",
    "orion",
    "roofline",
    "roofline:shares=fair,granularity=batch,features=overlap",
    "bubble-up",
    "mechanisms",
    "mechanisms:peculiar=false",
]


@pytest.mark.parametrize("spec", GOOD)
def test_built_ins_pass(spec: str) -> None:
    if spec.startswith(("gradient", "mlp")):
        pytest.importorskip("sklearn")
    if spec.startswith("river"):
        pytest.importorskip("river")
    check_predictor(lambda: make_predictor(spec))


class Base:
    """One good predictor, for the bad ones to spoil."""

    def __init__(self, weight: float = 0.1) -> None:
        self.weight = weight
        self.mean = 1.0

    def predict(self, target: Any, co_runners: Sequence[Any], so_far: Sequence[Any] = ()) -> Prediction:
        return Prediction(max(1.0, self.mean))

    def learn(self, observation: Observation) -> None:
        check_observation("base", observation)
        self.mean += self.weight * (observation.slowdown - self.mean)


class ForgetsItsParameter(Base):
    def __init__(self, weight: float = 0.1) -> None:
        super().__init__()
        del self.weight
        self._rate = weight

    def learn(self, observation: Observation) -> None:
        check_observation("base", observation)


class NeedsToLearnFirst(Base):
    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)
        self.mean = math.nan

    def predict(self, *_: Any) -> Prediction:
        return Prediction(self.mean)


class LearnsWhenAsked(Base):
    def predict(self, *_: Any) -> Prediction:
        self.mean += 0.001
        return Prediction(self.mean)


class RemembersNames(Base):
    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)
        self.known: dict[str, float] = {}

    def predict(self, target: Any, *_: Any) -> Prediction:
        return Prediction(1.0 + self.known.setdefault(target.model, target.features["sm"]))


class SharesWhatItLearned(Base):
    shared: list[float] = [1.0]  # noqa: RUF012

    def predict(self, *_: Any) -> Prediction:
        return Prediction(self.shared[0])

    def learn(self, observation: Observation) -> None:
        check_observation("base", observation)
        self.shared[0] = max(1.0, observation.slowdown)


class Gambles(Base):
    def learn(self, observation: Observation) -> None:
        super().learn(observation)
        if self.mean > 1.3:
            self.mean += random.random() * 1e-3

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__


class HoldsALambda(Base):
    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)
        self.law = lambda x: x


class BelievesAnything(Base):
    def learn(self, observation: Observation) -> None:
        pass


class Diverges(Base):
    def learn(self, observation: Observation) -> None:
        check_observation("base", observation)
        if observation.slowdown > 10.0:
            self.mean = math.inf

    def predict(self, *_: Any) -> Prediction:
        return Prediction(self.mean)


class RemembersEverything(Base):
    def __init__(self, weight: float = 0.1) -> None:
        super().__init__(weight)
        self.seen: list[float] = []

    def learn(self, observation: Observation) -> None:
        super().learn(observation)
        self.seen.append(observation.slowdown)


BAD: list[tuple[type[Base], str]] = [
    (ForgetsItsParameter, "check_parameters_are_stored"),
    (NeedsToLearnFirst, "check_predicts"),
    (LearnsWhenAsked, "check_predict_is_pure"),
    (RemembersNames, "check_predict_is_pure"),
    (SharesWhatItLearned, "check_knows_no_future"),
    (Gambles, "check_repeatable"),
    (HoldsALambda, "check_pickles"),
    (BelievesAnything, "check_refuses_the_impossible"),
    (Diverges, "check_stays_finite"),
    (RemembersEverything, "check_memory_is_bounded"),
]


@pytest.mark.parametrize(("predictor", "check"), BAD, ids=[bad.__name__ for bad, _ in BAD])
def test_bad_predictors_are_caught(predictor: Callable[[], Predictor], check: str) -> None:
    """By the check that is there for the fault, run alone: another may find it too, and earlier."""
    run = next(each for each in PREDICTOR_CHECKS if each.__name__ == check)
    with pytest.raises(AssertionError, match=rf"^{check}: "):
        run(predictor)


def test_the_predictor_that_the_bad_ones_spoil_passes() -> None:
    check_predictor(Base)


def test_every_check_catches_something() -> None:
    assert {check for _, check in BAD} == {check.__name__ for check in PREDICTOR_CHECKS}
