"""Weights of mechanisms: least squares where mixes do not differ, and what mixes have in common where they do."""

import numpy as np
import pytest

from isim.policies.predictors.mechanisms.weights import fit_weights

TRUE = np.array([0.3, 0.2])


def drawn(between: float, noise: float, mixes: int = 60, of_each: int = 30) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Return losses, slowdowns and mixes; the first loss differs little within a mix, and goes with its offset."""
    draw = np.random.default_rng(0)
    mix = np.repeat(np.arange(mixes), of_each)
    offset = draw.normal(0.0, between, mixes)
    first = 0.4 + offset[mix] + draw.uniform(-0.1, 0.1, len(mix))
    losses = np.column_stack([first, np.ones(len(mix))])
    lost = losses @ TRUE + offset[mix] + draw.normal(0.0, noise, len(mix))
    return losses, 1.0 / (1.0 - lost), mix.tolist()


def test_without_offsets_it_is_weighed_least_squares() -> None:
    """Variances of 0 between mixes leave sum of (slowdown x error)^2, to be least."""
    losses, slowdowns, _ = drawn(0.0, 0.001)
    root = slowdowns[:, None]
    expected, *_ = np.linalg.lstsq(losses * root, (1.0 - 1.0 / slowdowns) * slowdowns, rcond=None)
    one_each = list(range(len(slowdowns)))
    assert fit_weights(losses, slowdowns, one_each, np.zeros(2), 1e-9)[0] == pytest.approx(expected, abs=1e-6)


def test_offsets_of_mixes_are_not_taken_for_a_mechanism() -> None:
    """The first loss is higher in mixes that lose more anyway: least squares credits it, within mixes it is 0.3."""
    losses, slowdowns, mixes = drawn(0.03, 0.002)
    apart = fit_weights(losses, slowdowns, list(range(len(mixes))), np.zeros(2), 1e-9)[0]
    together = fit_weights(losses, slowdowns, mixes, np.zeros(2), 1e-9)[0]
    # Of a spread of 0.1^2 / 3 within and 0.03^2 between, each offset counting once: 0.3 + 0.0009 / (0.0033 + 0.0009).
    assert apart[0] == pytest.approx(0.3 + 0.0009 / 0.00423, abs=0.05)
    assert together[0] == pytest.approx(0.3, abs=0.01)


def test_it_is_less_sure_of_what_mixes_have_in_common() -> None:
    """60 mixes tell of the common loss as 60 batches do, not as 1,800."""
    losses, slowdowns, mixes = drawn(0.03, 0.002)
    losses[:, 0] = 0.0
    sure = fit_weights(losses, slowdowns, list(range(len(mixes))), np.zeros(2), 0.1)[1][1, 1]
    unsure = fit_weights(losses, slowdowns, mixes, np.zeros(2), 0.1)[1][1, 1]
    assert unsure > 5 * sure


def test_no_weight_is_negative() -> None:
    losses = np.column_stack([np.linspace(0.1, 0.5, 20), np.ones(20)])
    slowdowns = 1.0 / (1.0 - (0.4 - 0.5 * losses[:, 0]))
    weights, covariance = fit_weights(losses, slowdowns, ["a"] * 20, np.zeros(2), 0.1)
    assert weights.min() == 0.0
    assert covariance == pytest.approx(covariance.T)
