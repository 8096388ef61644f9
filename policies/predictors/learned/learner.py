"""The contract of a learner: a function of a vector, learned from one example at a time."""

from typing import Protocol

from isim.policies.kernels import Floats


class Learner(Protocol):
    """Predicts a number from a vector of fixed length whose last element is 1, and is corrected."""

    def predict(self, x: Floats) -> tuple[float, float]:
        """Return the mean and the standard deviation of y at `x`, shape (features,); changes nothing."""
        ...

    def update(self, x: Floats, y: float) -> None:
        """Take in one example, both finite."""
        ...

    def fit(self, x: Floats, y: Floats) -> None:
        """Start from many examples, shapes (examples, features) and (examples,)."""
        ...
