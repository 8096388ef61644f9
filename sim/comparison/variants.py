"""The variants of a comparison: several experiments that differ in what serves the requests."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from isim.building.experiment_file import read_toml
from isim.building.gpu_list import in_place_of
from isim.building.inputs import Problems
from isim.building.named import check_named
from isim.errors import ExperimentError
from isim.experiment import Experiment

SHARED = ("profile", "trace", "arrivals", "clients", "then", "slo", "noise", "horizon", "seed")
"""Keys that must not vary: they say which requests are served, what they demand, and with which luck."""

_CHOICE = re.compile(r"\{([^{}]*)\}")


class Variant(NamedTuple):
    """One of the experiments that are compared."""

    name: str
    experiment: Experiment


def variants_of(toml: str | Path | None, policies: Sequence[str] = (), **flags: Any) -> tuple[Variant, ...]:
    """Return the variants that an experiment file and flags name, the baseline first.

    A file has a table `[[variant]]` for each; any key of it but `name` is one of the experiment. A list of values, or
    braces in a text as in `dynamic:max_batch={4,8}`, stands for one variant each; several stand for every combination.

    Parameters
    ----------
    toml
        An experiment file; None for the built-in example.
    policies
        Specs, braces allowed; they take the place of the file's variants.
    flags
        As of `Experiment.from_flags`.

    Raises
    ------
    ExperimentError
        Anything is wrong; all problems at once.

    Examples
    --------
    >>> [variant.name for variant in variants_of(None, ["greedy", "dynamic:max_batch={4,8}"])]
    ['greedy', 'dynamic:max_batch=4', 'dynamic:max_batch=8']
    """
    keys = read_toml(toml) if toml is not None else None
    file = str(toml or "")
    tables = keys.pop("variant", []) if keys is not None else []
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        raise ExperimentError(f"{file}: variant: not a list of tables (found {tables!r}); write each as [[variant]]")
    if policies:
        tables = [{"policy": policy} for policy in policies]
        places = [""] * len(tables)
    else:
        places = [f"{file}: variant {number}" for number in range(1, len(tables) + 1)]
    problems = Problems()
    problems.collect(lambda: _check_keys(tables, places, {name for name, value in flags.items() if value}))
    problems.raise_any()
    chosen = [(place or file, each) for place, table in zip(places, tables, strict=True) for each in _choices(table)]
    experiments = [
        problems.collect(
            lambda place=place, each=each: Experiment.from_keys(  # type: ignore[misc]
                None if keys is None else _over(keys, _own(each), place),
                place,
                **{**flags, **(_own(each) if keys is None else {})},
            )
        )
        for place, each in chosen or [(file, {})]
    ]
    found = [experiment for experiment in experiments if experiment is not None]
    if len(found) < len(experiments):  # what would be found later is said now
        for experiment in found:
            problems.collect(partial(check_named, experiment))
    problems.raise_any()
    names = _names([each for _, each in chosen or [(file, {})]], found)
    return check_variants([Variant(*each) for each in zip(names, found, strict=True)])


def check_variants(variants: Sequence[Variant]) -> tuple[Variant, ...]:
    """Return variants of which each is there once.

    Raises
    ------
    ExperimentError
        Two have the same name.
    """
    names = [variant.name for variant in variants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ExperimentError(f"variant {', '.join(twice)}: given twice (found {len(names)} variants); give each once")
    return tuple(variants)


def _check_keys(tables: Sequence[Mapping[str, Any]], places: Sequence[str], flags: set[str]) -> None:
    problems = []
    for place, table in zip(places, tables, strict=True):
        for key, value in table.items():
            if key in SHARED:
                problems.append(
                    f"{place}: {key}: not for a single variant (found {value!r}); all meet the same requests: "
                    "write it above the first [[variant]]"
                )
            elif key in flags:
                problems.append(f"{place}: {key}: given as a flag as well (found --{key}); give it in one place")
            elif key == "name" and not isinstance(value, str):
                problems.append(f"{place}: name: not text (found {value!r}); write it in quotes")
            elif value in ([], ""):
                problems.append(f"{place}: {key}: no value (found {value!r}); write one or more, or remove it")
    if problems:
        raise ExperimentError(*problems)


def _own(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key != "name"}


def _over(keys: Mapping[str, Any], own: dict[str, Any], place: str) -> dict[str, Any]:
    """Return the keys of a file with those of a variant in place of some."""
    if "gpus" in own:
        try:
            own["gpus"] = in_place_of(keys.get("gpus"), own["gpus"])
        except ValueError as error:
            raise ExperimentError(f"{place}: gpus: {error}") from None
    return {**keys, **own}


def _choices(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every combination of the values that a table leaves open."""
    values = [list(_values(value)) for value in table.values()]
    yield from (dict(zip(table, each, strict=True)) for each in product(*values))


def _values(value: object) -> Iterator[Any]:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str):
            yield each
            continue
        # Every second part stood in braces.
        choices = [part.split(",") if number % 2 else [part] for number, part in enumerate(_CHOICE.split(each))]
        yield from map("".join, product(*choices))


def _names(tables: Sequence[Mapping[str, Any]], experiments: Sequence[Experiment]) -> Iterator[str]:
    """Yield for each what tells it from the others: its name or policy, and what else varies."""
    keys = dict.fromkeys(key for table in tables for key in table if key not in ("name", "policy"))
    dumped = [experiment.model_dump(mode="json") for experiment in experiments]
    varying = [key for key in keys if any(each.get(key) != dumped[0].get(key) for each in dumped)]
    policies = {experiment.policy for experiment in experiments}
    for table, experiment, values in zip(tables, experiments, dumped, strict=True):
        alone = len(policies) == 1 and varying
        head = [str(table["name"])] if "name" in table else [] if alone else [experiment.policy]
        same = [each for each in tables if each.get("name") == table.get("name")]
        shown = varying if "name" not in table or len(same) > 1 else []
        if "name" in table and len(same) > 1 and len({each.get("policy") for each in same}) > 1:
            head.append(experiment.policy)
        yield ", ".join([*head, *(f"{key}={values.get(key)}" for key in shown)])
