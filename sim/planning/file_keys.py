"""The keys of an experiment file, from a checked experiment."""

from typing import Any

from isim.building.experiment_keys import ExperimentKeys
from isim.building.quantities import Table
from isim.experiment import Experiment
from isim.planning.plan import Plan


def planned_keys(plan: Plan, experiment: ExperimentKeys) -> dict[str, Any]:
    """Return the keys of the experiment that serves an experiment's requests as planned.

    Raises
    ------
    ExperimentError
        A model's name cannot stand in them, or there are too many GPUs; all problems at once.
    """
    keys = {"profile": experiment.profile, **plan.serving_keys()}
    keys |= {name: value for name, value in file_keys(experiment).items() if name not in keys}
    Experiment.from_keys(keys, f"plan {plan.planner}")
    return keys


def file_keys(experiment: ExperimentKeys) -> dict[str, Any]:
    """Return the keys of a file that says the same as an experiment (all but `then`), without what is as if left out.

    Examples
    --------
    >>> arrivals = {"rate": "90rps", "duration": "1s", "models": {"vgg19": 1}}
    >>> file_keys(ExperimentKeys(arrivals=arrivals, slo="50ms", policy="greedy"))["arrivals"]
    {'rate': '90.0rps', 'duration': '1.0s', 'models': {'vgg19': 1.0}}
    """
    return _keys(experiment)


def _keys(table: Table) -> dict[str, Any]:
    fields = type(table).model_fields
    values = {name: getattr(table, name) for name in fields}
    return {
        fields[name].alias or name: _value(name, value)
        for name, value in values.items()
        if value is not None and value != fields[name].default
    }


def _value(name: str, value: Any) -> Any:
    """Return text with its unit for a quantity, by the end of its name."""
    if isinstance(value, Table):
        return _keys(value)
    if isinstance(value, dict):
        return {key: _value(name, each) for key, each in value.items()}
    if isinstance(value, float):
        return f"{value!r}s" if name.endswith("_s") else f"{value!r}rps" if name.endswith("_rps") else value
    return value
