"""Run several policies on the same requests and say how their figures differ."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from isim.errors import ExperimentError
from isim.experiment import Experiment
from isim.inputs import Problems, load_inputs
from isim.simulate import check, takes_seed
from isim.statistics import Interval, interval, paired_difference
from isim.whole_folder import writing

DESCRIPTION = "compare.json"


class Comparison(NamedTuple):
    """The figures of several policies over replications."""

    policies: tuple[str, ...]
    seeds: tuple[int, ...]
    """Of the replications; every policy met the same requests and noise at a seed."""
    note: str
    """Why there are no intervals; empty if there are."""
    descriptions: Mapping[str, Sequence[Mapping[str, Any]]]
    """Of each policy, what `run.json` says, by replication."""

    def interval(self, policy: str, figure: str, model: str | None = None) -> Interval | None:
        """Return the mean of a figure over replications; None where a replication does not have it.

        Parameters
        ----------
        figure
            A key of the figures, such as `latency_p99_s`.
        model
            Of which model; None for all together.
        """
        values = self._values(policy, figure, model)
        return interval(values) if values is not None else None

    def difference(self, policy: str, figure: str, model: str | None = None) -> Interval | None:
        """Return the mean of a figure minus that of the first policy, paired by replication."""
        values, baseline = (self._values(name, figure, model) for name in (policy, self.policies[0]))
        return paired_difference(values, baseline) if values is not None and baseline is not None else None

    def to_json(self) -> dict[str, Any]:
        """Return everything as a document: `policies` by name, each `total` and `models`, each figure an interval."""
        first = self.descriptions[self.policies[0]][0]
        models = list(first["summary"]["models"])
        return {
            "seeds": list(self.seeds),
            "replications": len(self.seeds),
            "note": self.note,
            "baseline": self.policies[0],
            **{key: first[key] for key in ("provenance", "contention", "inputs", "versions")},
            "parameters": {key: value for key, value in first["parameters"].items() if key not in ("policy", "seed")},
            "policies": {
                policy: {
                    "total": self._document(policy, None),
                    "models": {model: self._document(policy, model) for model in models},
                }
                for policy in self.policies
            },
        }

    def _document(self, policy: str, model: str | None) -> dict[str, Any]:
        figures = _figures(self.descriptions[self.policies[0]][0], model)
        return {
            figure: {
                "mean": None if (found := self.interval(policy, figure, model)) is None else found.mean,
                "ci95": _ends(found),
                "minus_baseline": None if (change := self.difference(policy, figure, model)) is None else change.mean,
                "minus_baseline_ci95": _ends(change),
            }
            for figure in figures
        }

    def _values(self, policy: str, figure: str, model: str | None) -> list[float] | None:
        values = [_figures(description, model).get(figure) for description in self.descriptions[policy]]
        known = [float(value) for value in values if value is not None]
        return known if len(known) == len(values) else None


def compare(
    experiment: Experiment,
    policies: Sequence[str],
    replications: int = 5,
    folder: str | Path | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Comparison:
    """Run every policy at every seed, on the same requests and with the same noise.

    Parameters
    ----------
    experiment
        Everything but the policy; its seed is that of the first replication, the others follow.
    policies
        Specs, the first of which the others are compared with.
    replications
        How many seeds, at least 1. If nothing in the experiment is random, it is run once.
    folder
        Where to keep the run folders and `compare.json`; None to keep nothing.
    force
        Replace a folder that an earlier comparison wrote.
    say
        Told what is being run.

    Raises
    ------
    IsimError
        As `Experiment.run`; or a policy is named twice.
    """
    _check(experiment, policies, replications)
    thinking = experiment.clients is not None and experiment.clients.think_law != "constant"
    drawn = experiment.arrivals is not None or thinking or experiment.noise
    random = drawn or any(takes_seed(policy) for policy in policies)
    note = "" if replications > 1 else "one replication has no confidence interval; give more with --seeds"
    if not random:
        replications, note = 1, "nothing is random here, so there is nothing to replicate: every policy ran once"
    seeds = tuple(range(experiment.seed, experiment.seed + replications))
    if folder is not None:
        with writing(folder, force, DESCRIPTION) as partial:
            found = Comparison(tuple(policies), seeds, note, _run_all(experiment, policies, seeds, partial, say))
            text = json.dumps(found.to_json(), indent=2, sort_keys=True, allow_nan=False)
            (partial / DESCRIPTION).write_text(text + "\n", encoding="utf-8")
        return found
    with TemporaryDirectory(prefix="isim-") as temporary:
        descriptions = _run_all(experiment, policies, seeds, Path(temporary), say)
    return Comparison(tuple(policies), seeds, note, descriptions)


def _check(experiment: Experiment, policies: Sequence[str], replications: int) -> None:
    problems = []
    if replications < 1:
        problems.append(f"seeds: at least one replication is needed (found {replications}); write 5, say")
    if twice := sorted({policy for policy in policies if policies.count(policy) > 1}):
        problems.append(f"policy {', '.join(twice)}: given twice (found {len(policies)} policies); give each once")
    if problems:
        raise ExperimentError(*problems)


def _run_all(
    experiment: Experiment, policies: Sequence[str], seeds: Sequence[int], folder: Path, say: Callable[[str], None]
) -> dict[str, list[dict[str, Any]]]:
    descriptions: dict[str, list[dict[str, Any]]] = {policy: [] for policy in policies}
    profile = None
    for seed in seeds:
        inputs = load_inputs(experiment.model_copy(update={"seed": seed}), profile)
        variants = {policy: experiment.model_copy(update={"seed": seed, "policy": policy}) for policy in policies}
        if profile is None:  # before the first run: a mistake in the last policy is told at once
            problems = Problems()
            for variant in variants.values():
                problems.collect(partial(check, variant, inputs))
            problems.raise_any()
        profile = inputs.profile
        for number, (policy, variant) in enumerate(variants.items()):
            say(f"seed {seed} ({seed - seeds[0] + 1} of {len(seeds)}), {policy}")
            name = f"{number + 1}-{re.sub(r'[^A-Za-z0-9=.,-]+', '_', policy)[:80]}"
            run = variant.run(folder / name / f"seed-{seed}", inputs=inputs)
            descriptions[policy].append(run.description)
    return descriptions


def _figures(description: Mapping[str, Any], model: str | None) -> dict[str, Any]:
    figures = description["summary"]
    found: dict[str, Any] = figures["total"] if model is None else figures["models"].get(model, {})
    return found


def _ends(found: Interval | None) -> list[float] | None:
    return None if found is None or found.low is None or found.high is None else [found.low, found.high]
