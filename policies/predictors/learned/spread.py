"""How far predictions were off of late."""

import math

from isim.policies.kernels import Floats


class Spread:
    """Keep the root mean square of recent errors, each weighing less than the next.

    Parameters
    ----------
    memory
        Errors over which it averages, about.

    Examples
    --------
    >>> spread = Spread()
    >>> spread.add(0.3)
    >>> spread.add(-0.3)
    >>> round(spread.rms, 12)
    0.3
    """

    def __init__(self, memory: int = 200) -> None:
        self.memory = memory
        self.mean_square = 0.0
        self._count = 0

    def add(self, error: float) -> None:
        """Take in an error."""
        self._count = min(self._count + 1, self.memory)
        self.mean_square += (error * error - self.mean_square) / self._count

    def start(self, errors: Floats) -> None:
        """Forget all, and take in errors that are known together, none weighing less than the next."""
        self.mean_square = float(errors @ errors) / len(errors)
        self._count = min(len(errors), self.memory)

    @property
    def rms(self) -> float:
        """0 before the first."""
        return math.sqrt(self.mean_square)
