"""A multilayer perceptron, Abacus' model."""

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.parameters import Check, whole
from isim.policies.predictors.learned.composed import RESOURCES, Composed, Target
from isim.policies.predictors.learned.window import Window, require_sklearn
from isim.policies.predictors.over_time.reading import ReadingName


class Perceptron(Window):
    """Train ReLU layers (scikit-learn's `MLPRegressor`) on the latest examples, standardised among these.

    Parameters
    ----------
    layers
        Units of each hidden layer.
    window, every
        See `Window`.
    seed
        Of the first weights and the order of examples.
    """

    def __init__(self, layers: tuple[int, ...], window: int, every: int, seed: int) -> None:
        super().__init__(window, every)
        self.layers, self.seed = layers, seed
        self._weights: list[tuple[Floats, Floats]] = []
        self._scale: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))

    def answer(self, x: Floats) -> float | None:
        """Pass `x` through the layers: in numpy, since scikit-learn's checks cost more than the sums."""
        if not self._weights:
            return None
        h: Floats = (x - self._scale[0]) * self._scale[1]
        for weights, offsets in self._weights[:-1]:
            h = np.maximum(h @ weights + offsets, 0.0)
        weights, offsets = self._weights[-1]
        return float((h @ weights + offsets)[0])

    def train(self, x: Floats, y: Floats) -> None:
        """Train all weights anew."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPRegressor

        sd = x.std(axis=0)
        self._scale = x.mean(axis=0), 1.0 / np.where(sd > 1e-9, sd, 1.0)
        model = MLPRegressor(
            hidden_layer_sizes=self.layers, max_iter=200, random_state=self.seed, learning_rate_init=0.01
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 passes are the training, converged or not
            model.fit((x - self._scale[0]) * self._scale[1], y)
        self._weights = [*zip(model.coefs_, model.intercepts_, strict=True)]


class Mlp(Composed):
    """Learn by a multilayer perceptron on the latest batches (needs the extra `learn`).

    Abacus' layers on the paper's features; Abacus' own features are models and ranges of operators, which a server that
    does not cut models has not.

    Parameters
    ----------
    layers
        Units of each hidden layer, `32/32/32` as in Abacus.
    window
        Batches kept, at least 1.
    every
        Batches after which it is trained anew; 0 for never but in training beforehand.
    seed
        Of the first weights and the order of examples.
    features, alpha, resources, target
        See `Composed`.

    Raises
    ------
    PredictorError
        A parameter is out of range, or scikit-learn is not installed.

    Examples
    --------
    >>> Mlp(layers=(16, 16)).layers
    (16, 16)

    References
    ----------
    W. Cui et al., "Enable simultaneous DNN services based on deterministic operator overlap and precise latency
    prediction", SC 2021.
    """

    def __init__(
        self,
        layers: tuple[int, ...] = (32, 32, 32),
        window: int = 2000,
        every: int = 500,
        seed: int = 0,
        features: ReadingName = "overlap",
        alpha: float = 0.5,
        resources: tuple[str, ...] = RESOURCES,
        target: Target = "ratio",
    ) -> None:
        require_sklearn("mlp")
        self.layers, self.window, self.every, self.seed = layers, window, every, seed
        checks = [
            Check("layers", layers, len(layers) > 0 and min(layers) > 0, "whole numbers of at least 1"),
            whole("window", window, required=True),
            Check("every", every, every >= 0, "a whole number of at least 0"),
        ]
        learner = Perceptron(layers, window, every, seed)
        super().__init__("mlp", learner, checks, features, alpha, resources, target)
