"""One experiment as a foreign file gave it: who ran beside whom, and how long each took."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Execution:
    """Hold one row of an experiment.

    Parameters
    ----------
    member
        Who of the experiment's members it is of, from 0.
    duration_ns
        From its start to its finish; None if the source has none.
    solo_ns
        The same alone; None has it taken from the experiments with this model, batch size and SM share alone.
    counted
        False of a co-runner whose own duration was not measured.
    batches, alone_ns
        As in the schema of a recording.
    """

    member: int
    model: str
    batch_size: int
    duration_ns: float | None
    sm_share: float = 1.0
    solo_ns: float | None = None
    start_ns: float = 0.0
    counted: bool = True
    batches: int | None = None
    alone_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Hold the executions of one experiment.

    Parameters
    ----------
    label
        What the source calls it.
    sharing, statistic
        As in the schema of a recording.

    Examples
    --------
    >>> Experiment("a+b", "mps", (Execution(0, "a", 1, 150.0), Execution(1, "b", 1, 160.0))).members
    2
    """

    label: str
    sharing: str
    executions: tuple[Execution, ...]
    statistic: str = "mean"

    @property
    def members(self) -> int:
        """How many ran side by side."""
        return len({execution.member for execution in self.executions})


@dataclass(frozen=True, slots=True)
class Campaign:
    """Hold what the files of one source gave.

    Parameters
    ----------
    facts
        What the footer says of them: format, device, source, licence, files.
    left_out
        What was not taken: the reason, and what the source calls each that it is true of.
    notes
        What was chosen or changed, in sentences for people.
    origin
        `imported`, or `simulated` if no hardware ran.
    """

    experiments: list[Experiment]
    facts: dict[str, Any]
    left_out: dict[str, list[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    origin: str = "imported"
