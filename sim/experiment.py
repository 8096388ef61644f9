"""An experiment: what is simulated, by which policy, on which GPU; checked before anything runs."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ValidationError

from isim.building.experiment_file import read_toml, tenants
from isim.building.experiment_keys import BUILT_IN, ExperimentKeys, is_analytic
from isim.building.experiment_problems import Path as KeyPath
from isim.building.experiment_problems import sentences
from isim.building.gpu_list import in_place_of, named_profiles
from isim.building.request_keys import MLPERF, Arrivals, Clients, Following, Sender
from isim.errors import ExperimentError, FlagError

if TYPE_CHECKING:
    from isim.building.inputs import Inputs
    from isim.run import Run


class Experiment(ExperimentKeys):
    """Hold a checked experiment; made by `from_toml`, `from_flags`, or keywords that are the keys of the file.

    Quantities are text with units, such as `horizon="30s"`; the fields hold numbers in the unit of their name. What
    names neither requests nor a profile of its own is the built-in example, with the given keys in place of its own.

    Examples
    --------
    >>> experiment = Experiment(arrivals={"rate": "100rps"}, slo="50ms", sharing="exclusive")
    >>> experiment.concurrency, experiment.slo_s, experiment.profile
    (1, {'*': 0.05}, 'analytic:L4')
    >>> Experiment(policy="greedy").arrivals.rate_rps
    1300.0
    >>> Experiment.from_flags(policy="greedy", rate_rps=100.0).arrivals.rate_rps
    100.0
    >>> _ = Path("e.toml").write_text('slo = "5ms"\\n[arrivals]\\nrate = "100rps"\\nduration = "1s"\\n')
    >>> experiment = Experiment.from_toml("e.toml")
    >>> experiment.slo_s
    {'*': 0.005}
    >>> run = experiment.run("out")
    >>> run.summary["total"]["requests"] == len(run.table("requests"))
    True
    """

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read and check an experiment file; its relative paths are relative to it.

        Raises
        ------
        ExperimentError
            The file cannot be read, or anything in it is wrong; all problems at once.
        """
        return cls.from_keys(read_toml(path), str(path))

    @classmethod
    def from_flags(cls, toml: str | Path | None = None, **flags: Any) -> Self:
        """Check what the command line says; flags override the file, or the built-in example.

        Parameters
        ----------
        toml
            An experiment file.
        flags
            `profile`, `gpus`, `router`, `trace`, `policy`, `sharing`, `concurrency`, `contention`, `noise`, `seed`, and
            of requests `process`, `bursts`, `models`, `clients`, `think_law`, `samples`, `requests_per_client`, as the
            fields are; in numbers `rate_rps`, `duration_s`, `think_s`, `stagger_s`, `horizon_s` and `slo_s`. None and
            empty mean: not given.

        Raises
        ------
        ExperimentError
            Anything is wrong; all problems at once.
        """
        return cls.from_keys(None if toml is None else read_toml(toml), str(toml or ""), **flags)

    @classmethod
    def from_keys(cls, keys: Mapping[str, Any] | None, file: str, **flags: Any) -> Self:
        """Check the keys of an experiment file, with flags in place of some; None for the built-in example.

        Parameters
        ----------
        file
            How to name the experiment in errors.
        flags
            As of `from_flags`.

        Raises
        ------
        ExperimentError
            Anything is wrong; all problems at once.

        Examples
        --------
        >>> Experiment.from_keys({"arrivals": {"rate": "5rps"}, "polcy": "greedy"}, "e.toml")
        Traceback (most recent call last):
        isim.errors.ExperimentError: e.toml: polcy: unknown key (known: profile, ...); did you mean policy?
        """
        given = {name: value for name, value in flags.items() if value is not None and value != {}}
        if "profile" not in given and (named := named_profiles(given.get("gpus"))):
            given["profile"] = named[0]
        own = _base(given) if keys is None else copy.deepcopy(dict(keys))
        problems = []
        if own.pop("variant", None) is not None:
            problems.append(
                f"{file}: variant: one run has no variants (found [[variant]]); use 'isim compare' for them"
            )
        if "gpus" in given and "profile" not in given:
            try:
                given["gpus"] = in_place_of(own.get("gpus"), given["gpus"])
            except ValueError as error:
                problems.append(f"{file}: --gpus: {error}")
        flag_of = _overlay(own, given)
        if keys is not None:
            own.setdefault("trace", None)  # a file that names no requests does not mean those of the example
        return cls._checked(own, file, flag_of, problems)

    @classmethod
    def _checked(cls, keys: dict[str, Any], file: str, flag_of: Mapping[KeyPath, str], problems: list[str]) -> Self:
        wrong: list[KeyPath] = []
        try:
            checked = cls.model_validate(keys)
            if not problems:
                return checked
        except ValidationError as error:
            wrong = [tuple(each["loc"]) for each in error.errors()]
            known: dict[KeyPath, list[str]] = {
                (): _keys(cls),
                ("arrivals",): _keys(Arrivals),
                ("clients",): _keys(Clients),
            }
            known |= {("arrivals", "tenants", name): _keys(Sender) for name in tenants(keys)}
            known |= {("then", number): _keys(Following) for number in range(100)}
            problems = [*problems, *sentences(error.errors(include_url=False), file, flag_of, known)]
        from isim.building.named import name_problems

        of_flags = any(path[: len(flag)] == flag or flag[: len(path)] == path for path in wrong for flag in flag_of)
        kind = FlagError if of_flags else ExperimentError
        raise kind(*problems, *name_problems(keys, wrong))

    def run(self, folder: str | Path | None = None, force: bool = False, inputs: "Inputs | None" = None) -> "Run":
        """Simulate, and write the run folder, whole or not at all.

        Parameters
        ----------
        folder
            Where to; None for a temporary folder that lives as long as the returned run.
        force
            Replace an existing run folder.
        inputs
            The profile and requests, if they are loaded already.

        Raises
        ------
        IsimError
            An input cannot be used, the policy fails, or the folder exists or cannot be written.
        """
        from isim.simulate import simulate

        return simulate(self, folder, force, inputs)


def _keys(table: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in table.model_fields.items()]


def _base(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the built-in example, unless the flags name a profile or requests of their own."""
    scenario = str(given.get("process")).startswith(MLPERF)
    own = scenario or not is_analytic(given.get("profile", BUILT_IN["profile"])) or {"trace", "clients"} & given.keys()
    return {} if own else copy.deepcopy(dict(BUILT_IN))


_SOURCES = ("trace", "arrivals", "clients")
_FLAGS: Mapping[str, tuple[KeyPath, str, str]] = {
    "process": (("arrivals", "process"), "--arrivals", ""),
    "rate_rps": (("arrivals", "rate"), "--rate", "rps"),
    "duration_s": (("arrivals", "duration"), "--duration", "s"),
    "models": (("arrivals", "models"), "--models", ""),
    "bursts": (("arrivals", "bursts"), "--bursts", ""),
    "clients": (("clients", "models"), "--clients", ""),
    "think_s": (("clients", "think"), "--think", "s"),
    "think_law": (("clients", "think_law"), "--think-law", ""),
    "stagger_s": (("clients", "stagger"), "--stagger", "s"),
    "samples": (("clients", "samples"), "--samples", ""),
    "requests_per_client": (("clients", "requests_per_client"), "--requests-per-client", ""),
    "horizon_s": (("horizon",), "--horizon", "s"),
}
"""The key that a flag stands for, how the flag is written, and the unit of its number; others are keys themselves."""


def _overlay(keys: dict[str, Any], given: dict[str, Any]) -> dict[KeyPath, str]:
    """Put flags in place of the keys they stand for; return which flag set which key."""
    flag_of: dict[KeyPath, str] = {}
    slo = {model: f"{slo_s!r}s" for model, slo_s in given.pop("slo_s", {}).items()}
    old = keys.get("slo", {})
    old = {"*": old} if isinstance(old, str) else old
    if slo and isinstance(old, dict):  # else said when it is checked
        flag_of[("slo",)] = "--slo"
        # An objective for every model leaves nothing of the old ones.
        keys["slo"] = slo if "*" in slo else {**old, **slo}
    targets = {name: _FLAGS.get(name, ((name,), f"--{name}", "")) for name in given}
    if "duration_s" in given and ("clients" in given or ("clients" in keys and "process" not in given)):
        targets["duration_s"] = (("clients", "duration"), "--duration", "s")
    if sources := {path[0] for path, *_ in targets.values()} & set(_SOURCES):
        for name in set(_SOURCES) - sources:  # requests come from one place: those of the file give way
            keys.pop(name, None)
    for name, (path, flag, unit) in targets.items():
        table = keys
        for part in path[:-1]:
            table = table.setdefault(str(part), {})
        if not isinstance(table, dict):  # said when it is checked
            continue
        table[str(path[-1])] = f"{given[name]!r}{unit}" if unit else given[name]
        flag_of[path] = flag
    return flag_of
