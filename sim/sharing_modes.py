"""How processes share one GPU: one batch at a time, side by side, in turns, or each held to a part of the SMs."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from isim.errors import ExperimentError, IsimError
from isim.units import format_seconds, parse_seconds

MODES = ("exclusive", "streams", "time-slicing", "mps")
QUANTUM_S = 0.002
"""How long a turn lasts by default: assumed; the error on recorded pairs is 4.2 to 3.6 % from 1 to 8 ms."""
PREEMPTION_S = 50e-6
"""Assumed; REEF (OSDI 2022) states microseconds for its reset of an AMD GPU, NVIDIA's cannot do it."""
LAUNCH_S = 5e-6
"""Assumed: the host's part of a launch is some microseconds, and is not hidden where a kernel had to wait."""


@dataclass(frozen=True)
class Sharing:
    """A sharing mode and its parameters; made by `parse_sharing`.

    Parameters
    ----------
    mode
        One of `MODES`.
    quantum_s
        How long a turn lasts while another process waits, in seconds; of `time-slicing` only.
    shares
        By model, the part of the SMs that its process is held to, 0..1 (1 if not named); of `mps` only.
    preemption_s
        How long a batch that is preempted holds its slot before it is gone, in seconds.
    launch_s
        How long it takes to launch a kernel that a policy's gate let wait, in seconds.
    """

    mode: str = "streams"
    quantum_s: float = QUANTUM_S
    shares: Mapping[str, float] = field(default_factory=dict)
    preemption_s: float = PREEMPTION_S
    launch_s: float = LAUNCH_S

    @property
    def parameters(self) -> Mapping[str, float | Mapping[str, float]]:
        """What says more than the mode's name."""
        if self.mode == "time-slicing":
            return {"quantum_s": self.quantum_s}
        return {"shares": dict(self.shares)} if self.mode == "mps" else {}

    def share(self, model: str) -> float:
        """Return the part of the SMs that a model's process may use."""
        return self.shares.get(model, 1.0)


def parse_sharing(text: str) -> Sharing:
    """Read a sharing mode and its parameters.

    Parameters
    ----------
    text
        A mode, or `time-slicing:quantum=2ms`, or `mps:MODEL=SHARE,...` with the part of the SMs of each process. Any
        takes `preemption=50us` as well, and `streams` and `exclusive` also `launch=5us`.

    Raises
    ------
    ExperimentError
        There is no such mode, or a parameter is wrong; all problems at once.

    Examples
    --------
    >>> parse_sharing("time-slicing:quantum=1ms").quantum_s
    0.001
    >>> parse_sharing("mps:bert=0.5,resnet50=0.25").shares
    {'bert': 0.5, 'resnet50': 0.25}
    """
    mode, _, rest = text.partition(":")
    if mode not in MODES:
        near = difflib.get_close_matches(mode, MODES, 1)
        choose = f"did you mean {near[0]!r}?" if near else "choose " + ", ".join(map(repr, MODES))
        raise ExperimentError(f"no such choice (found {text!r}); {choose}")
    given: dict[str, str] = {}
    problems = []
    for part in rest.split(",") if rest else ():
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not name or not equals or not value:
            problems.append(f"not a parameter (found {part!r}); write {_EXAMPLES[mode]}")
        elif name in given:
            problems.append(f"{name} is given twice (found {part.strip()!r}); give it once")
        given[name] = value
    if not problems:
        found = _sharing(mode, given, problems)
        if not problems:
            return found
    raise ExperimentError(*problems)


_EXAMPLES = {
    "exclusive": "exclusive:preemption=50us",
    "streams": "streams:preemption=50us",
    "time-slicing": "time-slicing:quantum=2ms",
    "mps": "mps:resnet50=0.5,bert=0.5",
}


_TIMES = {
    "exclusive": ("preemption", "launch"),
    "streams": ("preemption", "launch"),
    "time-slicing": ("quantum", "preemption"),
    "mps": ("preemption",),
}


def _sharing(mode: str, given: Mapping[str, str], problems: list[str]) -> Sharing:
    times_s, shares = {}, {}
    for name, value in given.items():
        if name in _TIMES[mode]:
            times_s[name] = _time_s(name, value, problems)
        elif mode == "mps":
            shares[name] = _share(name, value, problems)
        else:
            problems.append(f"{mode!r} has no parameter (found {name}); it takes {' and '.join(_TIMES[mode])}")
    quantum_s, preemption_s = times_s.get("quantum", QUANTUM_S), times_s.get("preemption", PREEMPTION_S)
    return Sharing(mode, quantum_s, shares, preemption_s, times_s.get("launch", LAUNCH_S))


MIN_QUANTUM_S = 1e-6
"""Shorter turns than this cost the simulation time and change nothing: kernels last longer."""


def _time_s(name: str, value: str, problems: list[str]) -> float:
    try:
        time_s = parse_seconds(value, name)
    except IsimError as error:
        problems.append(str(error))
        return 0.0
    least_s = MIN_QUANTUM_S if name == "quantum" else 0.0
    if not least_s <= time_s < float("inf"):
        least = format_seconds(least_s) if least_s else "0"
        problems.append(f"{name}: must be at least {least} and finite (found {value!r}); write {name}=2ms")
    return time_s


def _share(model: str, value: str, problems: list[str]) -> float:
    try:
        share = float(value)
    except ValueError:
        share = 0.0
    if not 0.0 < share <= 1.0:
        problems.append(
            f"{model}: its part of the SMs must be more than 0 and at most 1 (found {value!r}); write {model}=0.5"
        )
    return share
