"""The errors a user can cause. Each message says where, what is wrong (what was found), and what to do."""


class IsimError(Exception):
    """Tell the user what is wrong, one line a problem.

    Parameters
    ----------
    problems
        One or more lines of the form ``where: what is wrong (what was found); what to do``.

    Examples
    --------
    >>> str(IsimError("t.parquet: no column 'model' (has: arrival_ns); name it with --model-column"))
    "t.parquet: no column 'model' (has: arrival_ns); name it with --model-column"
    """

    exit_code = 1

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def __reduce__(self) -> tuple[type["IsimError"], tuple[str, ...]]:
        return type(self), self.problems


class TraceError(IsimError):
    """A trace, or a file imported as one, cannot be used."""


class ProfileError(IsimError):
    """A profile, or a file imported as one, cannot be used."""


class NoDeviceError(ProfileError):
    """A device to record on was asked for, and this machine has none."""

    exit_code = 4


class PolicyError(IsimError):
    """A policy is unknown, badly parametrised, raised, or decided something impossible."""


class PredictorError(IsimError):
    """A predictor is unknown, badly parametrised, or was given an observation that cannot be."""


class RouterError(IsimError):
    """A router is unknown, badly parametrised, raised, or chose a GPU that cannot serve the request."""


class ContentionError(IsimError):
    """A contention model is unknown, badly parametrised, or lacks the columns it needs."""


class ExperimentError(IsimError):
    """An experiment file or the flags that stand for one are not valid."""


class FlagError(ExperimentError):
    """The value of a flag cannot be read, whatever the files hold: its form, its unit, its range, or no such choice."""

    exit_code = 2


class RunError(IsimError):
    """A run folder cannot be written or read."""
