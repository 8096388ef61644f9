"""How far predicted slowdowns are from measured ones."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np

from isim.evaluation.cases import Case
from isim.operations import Floats

LEVEL = 0.9
"""Of the intervals that predictors are held to: this share of batches should lie within them."""
_LARGE = (0.1, 0.2, 0.6)
_WINDOW = 30
"""Batches over which an error is averaged to tell whether a predictor has recovered."""
_TOLERANCE = 1.2
_BINS = 50
_ROUNDING = 1e-9


def prediction_metrics(measured: Floats, predicted: Floats, sd: Floats, solo_s: Floats) -> dict[str, float | None]:
    """Return the figures of docs/evaluate.md, with y the measured and ŷ the predicted slowdown.

    Parameters
    ----------
    measured, predicted, sd
        Slowdowns, and the standard deviation that the predictor stated (0: it did not).
    solo_s
        How long each batch takes alone, in seconds.

    Examples
    --------
    >>> figures = prediction_metrics(np.array([1.0, 2.0]), np.array([1.5, 1.5]), np.zeros(2), np.ones(2))
    >>> figures["mse"], figures["mse_over_variance"], figures["under_prediction_share"], figures["shortfall_mean"]
    (0.25, 1.0, 0.5, 0.5)
    """
    error = predicted - measured
    relative = np.abs(error) / measured
    variance = float(np.var(measured))
    under = error < -_ROUNDING
    figures: dict[str, float | None] = {
        "mse": float(np.mean(error**2)),
        "mse_over_variance": float(np.mean(error**2)) / variance if variance > 0.0 else None,
        "mae": float(np.mean(np.abs(error))),
        "mae_s": float(np.mean(np.abs(error) * solo_s)),
        "mape": float(np.mean(relative)),
        "relative_error_p95": float(np.percentile(relative, 95)),
        **{f"relative_error_above_{large:g}_share": float(np.mean(relative > large)) for large in _LARGE},
        **{
            f"relative_error_above_{large:g}_under_share": float(np.mean(under[relative > large]))
            if (relative > large).any()
            else None
            for large in _LARGE
        },
        "bias": float(np.mean(error)),
        "under_prediction_share": float(np.mean(under)),
        "shortfall_mean": float(np.mean(-error[under])) if under.any() else 0.0,
        "interval_coverage": None,
        "interval_width_mean": None,
    }
    if (stated := sd > 0.0).any():
        half = half_width(sd[stated])
        figures["interval_coverage"] = float(np.mean(np.abs(error[stated]) <= half))
        figures["interval_width_mean"] = float(np.mean(2.0 * half))
    return figures


def half_width(sd: Floats) -> Floats:
    """Return half the width of the interval that holds 90 % of a normal distribution.

    Examples
    --------
    >>> half_width(np.array([0.1])).round(4).tolist()
    [0.1645]
    """
    return NormalDist().inv_cdf(0.5 + LEVEL / 2) * sd


def recovery(cases: Sequence[Case], relative: Floats) -> dict[str, float | int | None]:
    """Return how long a predictor needs after a model appears that it has not met.

    A model counts as new if it appears after a tenth of the cases. The predictor has recovered when the mean relative
    error of 30 batches in a row that met the model is at most 1.2 times the mean error before it appeared.

    Parameters
    ----------
    cases
        In order of finish.
    relative
        The absolute relative error of each, as asked at its dispatch.
    """
    met = [case.models for case in cases]
    first: dict[str, int] = {}
    for i, models in enumerate(met):
        for model in models:
            first.setdefault(model, i)
    new = {model: i for model, i in first.items() if i >= max(_WINDOW, len(cases) // 10)}
    batches, seconds = [], []
    for model, start in new.items():
        after = [i for i in range(start, len(cases)) if model in met[i]]
        before = float(np.mean(relative[:start]))
        for count in range(_WINDOW, len(after) + 1):
            if float(np.mean(relative[after[count - _WINDOW : count]])) <= _TOLERANCE * before:
                batches.append(count)
                seconds.append(cases[after[count - 1]].finished_s - cases[start].dispatched_s)
                break
    return {
        "new_models": len(new),
        "recovered_models": len(batches),
        "recovery_batches_p50": float(np.median(batches)) if batches else None,
        "recovery_s_p50": float(np.median(seconds)) if seconds else None,
    }


def learning_curve(measured: Floats, predicted: Floats) -> dict[str, Any]:
    """Return errors over observations, in at most 50 stretches of equal length, in order of finish."""
    parts = np.array_split(np.arange(len(measured)), min(_BINS, len(measured)))
    error = predicted - measured
    return {
        "observations": [int(part[-1]) + 1 for part in parts],
        "mse": [float(np.mean(error[part] ** 2)) for part in parts],
        "mape": [float(np.mean(np.abs(error[part]) / measured[part])) for part in parts],
    }
