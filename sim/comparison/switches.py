"""What single choices are worth: a switch that is on or off, and a predictor against the oracle."""

from collections.abc import Mapping
from itertools import permutations
from typing import Any, NamedTuple

ORACLE = "oracle"
"""How the predictor is called that knows what will happen."""

_NOT_CHOSEN = ("ending", "summary", "versions", "seed", "inputs", "schema", "provenance")


class Switch(NamedTuple):
    """Two variants that differ in nothing but a switch."""

    name: str
    on: str
    off: str


def switches(descriptions: Mapping[str, Mapping[str, Any]]) -> list[Switch]:
    """Return every two variants that differ in one parameter only, which is true in the one and false in the other.

    Parameters
    ----------
    descriptions
        By variant, what `run.json` says of a replication, all of the same.
    """
    settings = {variant: settings_of(description) for variant, description in descriptions.items()}
    found = []
    for on, off in permutations(settings, 2):
        differing = [
            name
            for name in {**settings[on], **settings[off]}
            if settings[on].get(name, _ABSENT) != settings[off].get(name, _ABSENT)
        ]
        if len(differing) == 1 and settings[on].get(differing[0]) is True and settings[off].get(differing[0]) is False:
            found.append(Switch(differing[0], on, off))
    return found


def oracles(descriptions: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return, of every variant for which there is one, the variant that differs in having the oracle for predictor."""
    by_rest: dict[str, str] = {}
    rest = {variant: _without_predictor(description) for variant, description in descriptions.items()}
    for variant, description in descriptions.items():
        if predictor(description) == ORACLE:
            by_rest.setdefault(rest[variant], variant)
    return {
        variant: by_rest[rest[variant]]
        for variant in descriptions
        if rest[variant] in by_rest and by_rest[rest[variant]] != variant
    }


def predictor(description: Mapping[str, Any]) -> str | None:
    """Return the name of the predictor that a run was given."""
    spec = description["parameters"].get("predictor")
    return None if spec is None else str(spec).partition(":")[0]


def settings_of(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that was chosen for a run, each parameter under a name of its own, defaults included."""
    chosen = {key: value for key, value in description.items() if key not in _NOT_CHOSEN}
    # Of what is described in parts, such as the policy, the spec is only another way to write it.
    chosen["parameters"] = {key: value for key, value in chosen["parameters"].items() if key not in (*chosen, "seed")}
    return dict(_flat(chosen, ""))


_ABSENT = object()


def _flat(value: Any, name: str) -> list[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        return [(name, value)]
    return [
        each
        for key, part in value.items()
        for each in _flat(part, name if key == "parameters" else f"{name}.{key}".lstrip("."))
    ]


def _without_predictor(description: Mapping[str, Any]) -> str:
    return repr(
        sorted(
            (name, repr(value))
            for name, value in settings_of(description).items()
            if name.partition(".")[0] != "predictor"
        )
    )
