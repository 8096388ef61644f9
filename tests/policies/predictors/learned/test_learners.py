"""Learners against what they must equal: least squares in one go, and the same learner in another library."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from isim.policies.predictors.learned.bayesian import BayesianRegression
from isim.policies.predictors.learned.kalman import KalmanFilter
from isim.policies.predictors.learned.learner import Learner
from isim.policies.predictors.learned.least_squares import LeastSquares
from isim.policies.predictors.learned.nlms import NormalisedLeastMeanSquares
from isim.policies.predictors.learned.passive_aggressive import PassiveAggressive
from isim.policies.predictors.learned.quantile import QuantileDescent
from isim.policies.predictors.learned.rls import RecursiveLeastSquares
from isim.policies.predictors.learned.sgd import GradientDescent

Floats = npt.NDArray[np.float64]
SIZE = 7


def examples(count: int, seed: int = 0) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.uniform(0, 1, (count, SIZE - 1)), np.ones(count)])
    return x, x @ draw.normal(0, 1, SIZE) + draw.normal(0, 0.1, count)


def taught(learner: Learner, x: Floats, y: Floats) -> Floats:
    for row, value in zip(x, y, strict=True):
        learner.update(row, value)
    weights: Floats = learner.weights  # type: ignore[attr-defined]
    return weights


def test_rls_is_least_squares() -> None:
    """f = 1, l -> 0. The regulariser 1e-7 moves weights by l |w| / (least eigenvalue of X'X, about 20): below 1e-8."""
    x, y = examples(500)
    weights = taught(RecursiveLeastSquares(SIZE, forgetting=1.0, regulariser=1e-7), x, y)
    assert np.abs(weights - np.linalg.lstsq(x, y, rcond=None)[0]).max() < 1e-8


@pytest.mark.parametrize("forgetting", [0.9, 0.98, 1.0])
def test_rls_is_weighted_ridge_regression(forgetting: float) -> None:
    """Weights f^(n - i), and the pull to the start fades as f^n."""
    x, y = examples(200)
    regulariser, start = 0.5, np.eye(SIZE)[-1]
    weights = taught(RecursiveLeastSquares(SIZE, forgetting, regulariser), x, y)
    weight = forgetting ** np.arange(len(y) - 1, -1, -1)
    gram = (x * weight[:, None]).T @ x + regulariser * forgetting ** len(y) * np.eye(SIZE)
    expected = start + np.linalg.solve(gram, (x * weight[:, None]).T @ (y - x @ start))
    assert np.abs(weights - expected).max() < 1e-8


def test_rls_covariance_stays_symmetric() -> None:
    learner = RecursiveLeastSquares(SIZE, forgetting=0.95)
    taught(learner, *examples(5000))
    assert np.array_equal(learner.covariance, learner.covariance.T)


def test_rls_does_not_wind_up() -> None:
    """One example again and again: without a guard, the variance of all other directions would be 0.9^-10000."""
    learner = RecursiveLeastSquares(SIZE, forgetting=0.9, regulariser=1.0)
    row = np.array([0.5, 0, 0, 0, 0, 0, 1.0])
    for _ in range(10_000):
        learner.update(row, 1.5)
    assert np.trace(learner.covariance) <= 100 * SIZE * 1.0001
    assert learner.predict(row)[0] == pytest.approx(1.5)
    assert learner.resets == 0


def test_rls_fitted_goes_on_as_if_it_had_learned_one_by_one() -> None:
    x, y = examples(300)
    one, two = (RecursiveLeastSquares(SIZE, 1.0, 0.5, "all") for _ in range(2))
    two.fit(x[:200], y[:200])
    assert taught(one, x, y) == pytest.approx(taught(two, x[200:], y[200:]), abs=1e-9)


def test_kalman_without_drift_is_ridge_regression() -> None:
    x, y = examples(300)
    weights = taught(KalmanFilter(SIZE, noise=0.04, drift=0.0, uncertainty=2.0), x, y)
    batch = KalmanFilter(SIZE, noise=0.04, drift=0.0, uncertainty=2.0)
    batch.fit(x, y)
    assert weights == pytest.approx(batch.weights, abs=1e-9)


def test_bayesian_updates_equal_its_fit() -> None:
    x, y = examples(300)
    one, batch = (BayesianRegression(SIZE, uncertainty=10.0, noise=0.2) for _ in range(2))
    taught(one, x, y)
    batch.fit(x, y)
    assert one.weights == pytest.approx(batch.weights, abs=1e-8)
    assert one.predict(x[0])[1] == pytest.approx(batch.predict(x[0])[1], rel=1e-8)


def test_bayesian_intervals_cover() -> None:
    """Of outcomes with noise 0.1, 95 % lie within 1.96 deviations; 4000 of them within 1.1 points of that (3 sigma)."""
    x, y = examples(6000)
    learner = BayesianRegression(SIZE)
    inside = []
    for row, value in zip(x, y, strict=True):
        mean, sd = learner.predict(row)
        inside.append(abs(value - mean) <= 1.96 * sd)
        learner.update(row, value)
    assert abs(np.mean(inside[2000:]) - 0.95) < 0.011


def test_quantile_is_met() -> None:
    """The share below converges to q; 0.02 is 4 deviations of a share of 10,000 and the step's own wander."""
    x, y = examples(20_000)
    learner = QuantileDescent(SIZE, quantile=0.8, rate=0.01)
    below = []
    for row, value in zip(x, y, strict=True):
        below.append(value <= learner.predict(row)[0])
        learner.update(row, value)
    assert abs(np.mean(below[10_000:]) - 0.8) < 0.02


def test_least_squares_equals_scikit_learns() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = examples(200)
    theirs = linear_model.LinearRegression().fit(x[:, :-1], y)
    expected = [*theirs.coef_, theirs.intercept_]
    assert taught(LeastSquares(SIZE), x, y) == pytest.approx(expected, abs=1e-7)


def test_sgd_equals_scikit_learns() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = examples(300)
    theirs = linear_model.SGDRegressor(penalty=None, learning_rate="constant", eta0=0.02)
    theirs.coef_, theirs.intercept_ = np.zeros(SIZE - 1), np.ones(1)
    for row, value in zip(x, y, strict=True):
        theirs.partial_fit(row[None, :-1], [value])
    expected = [*theirs.coef_, *theirs.intercept_]
    assert taught(GradientDescent(SIZE, rate=0.02), x, y) == pytest.approx(expected, abs=1e-9)


def test_passive_aggressive_equals_scikit_learns() -> None:
    pytest.importorskip("sklearn", minversion="1.8")  # before, it was a class of its own
    from sklearn.linear_model import SGDRegressor

    x, y = examples(300)
    ours = PassiveAggressive(SIZE, aggressiveness=0.05, insensitivity=0.02)
    ours.weights[:] = 0.0
    loss = {"loss": "epsilon_insensitive", "epsilon": 0.02, "learning_rate": "pa1", "eta0": 0.05}
    theirs = SGDRegressor(**loss, penalty=None, fit_intercept=False)
    theirs.coef_, theirs.intercept_ = np.zeros(SIZE), np.zeros(1)
    for row, value in zip(x, y, strict=True):
        theirs.partial_fit(row[None], [value])
    assert taught(ours, x, y) == pytest.approx(theirs.coef_, abs=1e-9)


def test_sgd_equals_rivers_through_the_adapter() -> None:
    """River's gradient of the squared error has the factor 2 that ours leaves out."""
    linear_model = pytest.importorskip("river.linear_model")
    from river.optim import SGD

    from isim.policies.predictors.learned.river import RiverRegressor

    x, y = examples(300)
    theirs = RiverRegressor(linear_model.LinearRegression(SGD(0.01), intercept_lr=0.01, intercept_init=1.0))
    for row, value in zip(x, y.tolist(), strict=True):
        theirs.update(row, value)
    ours = GradientDescent(SIZE, rate=0.02)
    taught(ours, x, y)
    assert theirs.predict(x[0])[0] == pytest.approx(ours.predict(x[0])[0], abs=1e-9)


def test_sgd_cuts_steps_that_overshoot() -> None:
    """At a rate of 100 a step of the plain rule would overshoot 150-fold; cut at 1 / x'x it meets the example."""
    learner = GradientDescent(2, rate=100.0)
    learner.update(np.array([0.5, 1.0]), 3.0)
    assert learner.predict(np.array([0.5, 1.0]))[0] == pytest.approx(3.0)


HARD: dict[str, Callable[[], Learner]] = {
    "rls": lambda: RecursiveLeastSquares(SIZE, forgetting=0.9),
    "kalman": lambda: KalmanFilter(SIZE),
    "bayesian": lambda: BayesianRegression(SIZE),
    "sgd": lambda: GradientDescent(SIZE, rate=10.0),
    "nlms": lambda: NormalisedLeastMeanSquares(SIZE, rate=1.9),
    "passive-aggressive": lambda: PassiveAggressive(SIZE, aggressiveness=1e6),
    "quantile": lambda: QuantileDescent(SIZE, rate=1.0),
}


@pytest.mark.parametrize("name", HARD)
def test_a_million_hard_examples_leave_numbers(name: str) -> None:
    """Slowdowns of 1e-4 to 1e4 without sense, of features that repeat each other, vanish or come in long runs."""
    learner = HARD[name]()
    draw = np.random.default_rng(2)
    x = np.column_stack([draw.uniform(0, 2, (10_000, SIZE - 1)), np.ones(10_000)])
    x[2000:4000, :3] = x[2000:4000, 3:6]
    x[4000:6000, :6] = 0.0
    x[6000:8000] = x[6000]
    y = 10.0 ** draw.uniform(-4, 4, 10_000)
    for _ in range(100):
        for row, value in zip(x, y.tolist(), strict=True):
            learner.update(row, value)
    answers = np.array([learner.predict(row) for row in x[::100]])
    assert np.isfinite(answers).all()
    assert np.abs(answers[:, 0]).max() < 1e9
