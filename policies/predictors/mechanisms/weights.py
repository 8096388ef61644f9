"""Weights of mechanisms from batches measured earlier: least squares, where batches of a mix err alike."""

from collections.abc import Hashable, Sequence

import numpy as np

from isim.policies.kernels import Floats

_ROUNDS = 4
"""Of weights and variances in turn; the variances no longer change in the third digit."""
_LEAST_NOISE = 0.001**2
"""Variance of a loss of speed from batch to batch: no server repeats itself to better than 0.1 %."""


def fit_weights(
    losses: Floats, slowdowns: Floats, mixes: Sequence[Hashable], start: Floats, regulariser: float
) -> tuple[Floats, Floats]:
    """Return weights w of at least 0, since no mechanism speeds a batch up, and their covariance.

    1 - 1 / slowdown = w'losses + (what all batches of a mix have in common) + (noise). A mix differs from what is said
    of it by more than noise, and a hundred batches of it tell little more of w than ten do; counted as if they did, w
    would follow the few mixes that were measured. So this is generalised least squares with a random intercept of each
    mix: a part of each mix's mean is subtracted, and both variances are found by the method of moments.

    Parameters
    ----------
    losses
        Shape (batches, mechanisms).
    slowdowns
        Shape (batches,). An error of speed is one of slowdown / slowdown^2: weighed so, relative errors count alike.
    mixes
        What was together, of each batch.
    start, regulariser
        Where weights are without any batch, and how strongly they are held there.

    Examples
    --------
    >>> losses = np.array([[0.2], [0.4], [0.2], [0.4]])
    >>> lost = 0.5 * losses[:, 0] + np.array([0.1, 0.1, -0.1, -0.1])  # two mixes, one slower than said, one faster
    >>> w, _ = fit_weights(losses, 1 / (1 - lost), ["a", "a", "b", "b"], np.zeros(1), 1e-9)
    >>> round(float(w[0]), 6)
    0.5

    References
    ----------
    P. Swamy and S. Arora, "The exact finite sample properties of the estimators of coefficients in the error components
    regression models", Econometrica 40, 1972.
    """
    from scipy.optimize import nnls

    places = {mix: place for place, mix in enumerate(dict.fromkeys(mixes))}
    mix = np.array([places[each] for each in mixes])
    weight = slowdowns**2
    total = np.bincount(mix, weight)

    def means(values: Floats) -> Floats:
        found: Floats = np.bincount(mix, weight * values) / total
        return found

    rows = np.column_stack([losses, 1.0 - 1.0 / slowdowns])
    of_mix = np.column_stack([means(column) for column in rows.T])
    held = regulariser**0.5 * np.column_stack([np.eye(len(start)), start])
    common, unit = np.zeros(len(total)), 1.0
    for _ in range(_ROUNDS):
        left = (rows - (common[:, None] * of_mix)[mix]) * (slowdowns * unit**0.5)[:, None]
        system = np.vstack([left, held])
        w, _ = nnls(system[:, :-1], system[:, -1])
        if len(total) == len(rows):  # of one batch each: nothing tells what mixes have in common from noise
            break
        error = rows[:, -1] - rows[:, :-1] @ w
        offset = means(error)
        noise = float(weight @ (error - offset[mix]) ** 2) / (len(error) - len(total))
        noise = max(noise, _LEAST_NOISE)
        between = max(0.0, (float(total @ offset**2) - noise * len(total)) / float(total.sum()))
        common = 1.0 - np.sqrt(noise / (noise + total * between))
        unit = (noise + between) / noise  # so that a mix of one batch counts as one, whatever the noise
    covariance = unit * np.linalg.inv(system[:, :-1].T @ system[:, :-1])
    return w, (covariance + covariance.T) / 2.0
