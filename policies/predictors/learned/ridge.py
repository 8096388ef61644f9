"""Ridge regression in one go."""

import numpy as np

from isim.policies.kernels import Floats


def ridge(x: Floats, y: Floats, start: Floats, regulariser: float) -> tuple[Floats, Floats]:
    """Return the w that minimises |y - Xw|^2 + l |w - w_0|^2, and X'X + l I.

    Parameters
    ----------
    x, y
        Examples, shapes (examples, features) and (examples,).
    start
        w_0, shape (features,).
    regulariser
        l, above 0.

    Examples
    --------
    >>> weights, _ = ridge(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 3.0]), np.zeros(2), 1e-9)
    >>> weights.round(6).tolist()
    [2.0, 1.0]
    """
    gram = x.T @ x + regulariser * np.eye(x.shape[1])
    return start + np.linalg.solve(gram, x.T @ (y - x @ start)), gram
