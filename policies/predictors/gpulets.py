"""gpulets: a linear model of L2 and DRAM use, of a batch and of one beside it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from isim.policies.kernels import Floats
from isim.policies.parameters import choice
from isim.policies.predictors.instant import Instant
from isim.policies.predictors.learned.least_squares import LeastSquares
from isim.policies.predictors.loads import Loads
from isim.policies.predictors.observed import check_observation
from isim.policies.predictors.over_time.reading import ReadingName
from isim.policies.predictors.predictor import Member, Observation

COEFFICIENTS = {
    "2080ti": (0.112908, 0.715960, 0.354866, 0.088204, 0.895369),
    "3080": (-0.179887, 0.038409, 0.125518, -0.056482, 1.018427),
}
"""Of L2 own, L2 beside, DRAM own, DRAM beside, and 1, as published with gpulets (casys-kaist/glet, 3c1c2aa)."""


class Gpulets(Instant):
    """Expect max(1, c1 L2_i p_i + c2 L2_j p_j + c3 DRAM_i p_i + c4 DRAM_j p_j + c5), of several j the largest.

    p is the share of the SMs. The published coefficients describe partitions under MPS: they tell at most 1.19.

    Parameters
    ----------
    coefficients
        Published for this GPU, or `refit`: least squares over batches that finished, these of the 2080 Ti before 20.
    features, alpha
        See `Instant`.

    Raises
    ------
    PredictorError
        A parameter is out of range; `l2` or `dram` was not measured.

    Examples
    --------
    >>> a, b = Member("a", 1, 0.002, {"l2": 0.5, "dram": 0.4}), Member("b", 1, 0.002, {"l2": 0.2, "dram": 0.3})
    >>> round(Gpulets().slowdown_beside(a, [b]), 6)
    1.263423

    References
    ----------
    S. Choi et al., "Serving heterogeneous machine learning models on multi-GPU servers with spatio-temporal sharing",
    USENIX ATC 2022.
    """

    def __init__(
        self,
        coefficients: Literal["2080ti", "3080", "refit"] = "2080ti",
        features: ReadingName = "static",
        alpha: float = 0.5,
    ) -> None:
        self.coefficients = coefficients
        super().__init__("gpulets", [choice("coefficients", coefficients, *COEFFICIENTS, "refit")], features, alpha)
        self._loads = Loads("gpulets", ("l2", "dram"))
        self._weights = np.array(COEFFICIENTS.get(coefficients, COEFFICIENTS["2080ti"]))
        self._learner = LeastSquares(5, regulariser=1e-6)
        self._count = 0

    def slowdown_beside(self, target: Member, others: Sequence[Member]) -> float:
        """Return what the worst of them does."""
        return max([float(self._weights @ self._features(target, other)) for other in others])

    def learn(self, observation: Observation) -> None:
        """Fit, if asked to, to the co-runner that does the most."""
        check_observation("gpulets", observation)
        overlaps = [overlap for overlap in self._reading.behind(observation.stays) if overlap.co_runners]
        if self.coefficients != "refit" or not overlaps:
            return
        target = observation.target
        x = np.zeros(5)
        for weight, others in overlaps:
            rows = [self._features(target, other) for other in others]
            x += weight * max(rows, key=lambda row: float(self._weights @ row))
        # What of the batch was alone took no longer than alone, and tells nothing of the coefficients.
        beside = sum([weight for weight, _ in overlaps])
        self._learner.update(x, observation.slowdown - (1.0 - beside))
        self._count += 1
        if self._count >= 20:
            self._weights = self._learner.weights.copy()

    def _features(self, target: Member, other: Member) -> Floats:
        (l2, dram), (l2_beside, dram_beside) = self._loads(target), self._loads(other)
        p, q = target.sm_share, other.sm_share
        return np.array([l2 * p, l2_beside * q, dram * p, dram_beside * q, 1.0])
