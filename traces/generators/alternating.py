"""Two states in turn: how long each lasts, and which holds when."""

from typing import NamedTuple

import numpy as np

from isim.traces.generators.process import Floats
from isim.traces.generators.renewal import Renewal


class Sojourns(NamedTuple):
    """The stays in two states that follow each other."""

    ends_s: Floats
    """When each stay ends, ascending; the last after the time asked for."""
    starts_in_first: bool
    """Whether the stay under way at time 0 is one in the first state."""


def alternate(rng: np.random.Generator, law: Renewal, means_s: tuple[float, float], duration_s: float) -> Sojourns:
    """Draw stays in two states in turn, in equilibrium at time 0, until a time.

    Parameters
    ----------
    law
        Of the stays, in units of their mean.
    means_s
        Mean stay in the first and in the second state, in seconds.

    Examples
    --------
    >>> from isim.traces.generators.poisson import Poisson
    >>> stays = alternate(np.random.default_rng(1), Poisson(), means_s=(1.0, 4.0), duration_s=10.0)
    >>> stays.ends_s[-1] > 10, stays.starts_in_first
    (np.True_, False)
    """
    cycle_s = sum(means_s)
    state = int(rng.random() * cycle_s >= means_s[0])
    end_s = law.first(rng) * means_s[state]
    blocks = [np.array([end_s])]
    while end_s < duration_s:
        stays_s = law.gaps(rng, 2 * (int((duration_s - end_s) / cycle_s) + 8))
        stays_s[0::2] *= means_s[1 - state]
        stays_s[1::2] *= means_s[state]  # an even number: the next block starts with the same state
        ends_s = end_s + np.cumsum(stays_s)
        blocks.append(ends_s)
        end_s = float(ends_s[-1])
    return Sojourns(np.concatenate(blocks), state == 0)
