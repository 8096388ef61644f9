"""Equal gaps: a camera, a sensor, a load generator with a fixed rate."""

import math
from collections.abc import Mapping

import numpy as np

from isim.traces.generators.parameters import check_parameters
from isim.traces.generators.process import Arrivals


class Constant:
    """Let requests arrive at equal gaps, from a phase on, each displaced by a jitter.

    Parameters
    ----------
    phase
        When the first arrives: `random` (uniform within a gap, lest models of equal rate all arrive at once), `spread`
        (the k-th of n models starts k/n of its gap late, so that models of equal rate never meet), or a number of
        gaps from 0 to 1.
    jitter_s
        Each arrival is moved by a uniform draw from this far before to this far after, in seconds.

    Raises
    ------
    TraceError
        A parameter is out of range.

    Examples
    --------
    >>> Constant(phase="0.5").arrivals_ns(np.random.default_rng(1), rate_rps=1000, duration_ns=3_000_000)
    array([ 500000, 1500000, 2500000])

    References
    ----------
    DISB, the benchmark of Han et al., REEF, OSDI 2022 (`spread`).
    """

    def __init__(self, phase: str = "random", jitter_s: float = 0.0) -> None:
        self.phase = phase
        self.jitter_s = jitter_s
        self._phase = {"random": None, "spread": 0.0}.get(phase, _number(phase))
        valid = self._phase is None or 0 <= self._phase <= 1
        check_parameters(
            "constant",
            phase=(phase, valid, "random, spread, or a number of gaps from 0 to 1"),
            jitter_s=(jitter_s, 0 <= jitter_s < math.inf, "a finite duration of at least 0 s"),
        )

    def for_models(self, rates_rps: Mapping[str, float]) -> Mapping[str, "Constant"]:
        """Return the process of each model: with phases apart, if they are spread."""
        if self.phase != "spread":
            return dict.fromkeys(rates_rps, self)
        return {
            model: Constant(str(position / len(rates_rps)), self.jitter_s) for position, model in enumerate(rates_rps)
        }

    def arrivals_ns(self, rng: np.random.Generator, rate_rps: float, duration_ns: int) -> Arrivals:
        """Return arrivals in ns over [0, duration)."""
        gap_ns, jitter_ns = 1e9 / rate_rps, self.jitter_s * 1e9
        phase = rng.random() if self._phase is None else self._phase
        before = int(jitter_ns / gap_ns) + 1 if jitter_ns else 0  # those whose jitter may bring them in
        times = (phase + np.arange(-before, int(duration_ns / gap_ns) + 1 + before)) * gap_ns
        if jitter_ns:
            times += rng.uniform(-jitter_ns, jitter_ns, len(times))
            times.sort()
        arrival_ns = np.floor(times).astype(np.int64)
        kept: Arrivals = arrival_ns[slice(*np.searchsorted(arrival_ns, (0, duration_ns)))]
        return kept


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
