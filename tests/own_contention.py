"""The source of a contention model of one's own, right or wrong, for tests that write it to a file."""

HEAD = """
import numpy as np
from numba import njit
from isim.contention.contract import SPEEDS


def _plain(running, count, demand, parameters, speed):
    for k in range(count):
        speed[k] = 1.0


@njit(SPEEDS)
def _ones(running, count, demand, parameters, speed):
    for k in range(count):
        speed[k] = 1.0


class Base:
    name = "base"
    speeds = staticmethod(_ones)

    @property
    def parameters(self):
        return np.zeros(1)

    def demand(self, operations):
        return np.column_stack([operations.needed("sm", None, self.name)])
"""


def speeds(body: str, decorator: str = "@njit(SPEEDS)") -> str:
    """Return a model whose function has this body for every k."""
    return (
        f"\n{decorator}\ndef _own(running, count, demand, parameters, speed):\n"
        f"    for k in range(count):\n        {body}\n\n"
        "class Mine(Base):\n    speeds = staticmethod(_own)\n"
    )
