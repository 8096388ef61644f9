"""Run several variants on the same requests and say how their figures differ."""

import inspect
import json
import re
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from isim.building.deciding import takes_seed
from isim.building.inputs import Inputs, Problems, load_inputs
from isim.building.named import check_named
from isim.comparison.comparison import Comparison
from isim.comparison.document import document
from isim.comparison.executor import Executor, Here
from isim.comparison.half_width import HalfWidth
from isim.comparison.notes import notes, settings_notes
from isim.comparison.pairs import RANKING
from isim.comparison.replication import Replication
from isim.comparison.run_store import opened
from isim.comparison.sweep import Sweep, Told
from isim.comparison.variants import Variant, check_variants
from isim.errors import ExperimentError, FlagError
from isim.experiment import Experiment
from isim.policies.predictors.registry import parse_predictor
from isim.policies.routers.registry import parse_router
from isim.run import Run
from isim.simulate import check
from isim.whole_folder import check_free, writing

DESCRIPTION = "compare.json"


class Rules(NamedTuple):
    """How a comparison is made."""

    replications: int = 5
    """How many seeds, at least 1. If nothing in the experiments is random, they run once."""
    by: str = "attainment"
    """The figure by which variants are ranked."""
    with_warm_up: bool = False
    """Keep the start of every replication; else it is left out by MSER-5, the same part for all variants."""
    until: HalfWidth | None = None
    """Go on, as many replications at a time, until the intervals of a figure are as narrow as this says."""


def compare(
    variants: Sequence[Variant],
    rules: Rules = Rules(),  # noqa: B008 -- a tuple, which nobody can change
    folder: str | Path | None = None,
    force: bool = False,
    executor: Executor | None = None,
    told: Told = lambda done, total: None,
) -> Comparison:
    """Run every variant at every seed, on the same requests and with the same noise.

    Parameters
    ----------
    variants
        The first is that with which the others are compared; its seed is that of the first replication.
    folder
        Where to keep the run folders and `compare.json`; None to keep nothing. What is finished of an interrupted
        comparison lies beside it, in FOLDER.unfinished, and is not run again.
    force
        Replace a folder that an earlier comparison wrote.
    executor
        Where simulations run; in this process if None. The result is the same wherever.
    told
        Told about progress.

    Raises
    ------
    IsimError
        As `Experiment.run`; or two variants have the same name.
    """
    output = None if folder is None else Path(folder)
    inputs = prepare(variants, rules, output, force)
    with executor or Here() as place, opened(output) as store:
        sweep = Sweep(store, place, inputs.profile, told)
        replications: list[Replication] = []
        while True:
            replications += _replicate(sweep, variants, _next_seeds(variants, rules, len(replications)), rules, output)
            found = _comparison(variants, rules, replications, output)
            if rules.until is None or rules.until.reached(found) or len(replications) >= rules.until.most:
                break
        if output is not None:
            _keep(found, sweep, variants, output, force)
    return found


def prepare(variants: Sequence[Variant], rules: Rules, output: Path | None, force: bool) -> Inputs:
    """Check all that can be checked before anything runs, and return the inputs of the first replication.

    Raises
    ------
    IsimError
        It cannot run, or cannot be written; all problems at once.
    """
    _check_kinds(variants)
    problems = Problems()
    problems.collect(lambda: check_variants(variants))
    problems.collect(lambda: _check_rules(rules))
    inputs = problems.collect(lambda: load_inputs(variants[0].experiment))
    for variant in variants:  # a mistake in the last one is told before the first one runs
        problems.collect(
            partial(check_named, variant.experiment) if inputs is None else partial(check, variant.experiment, inputs)
        )
    if output is not None:
        problems.collect(lambda: check_free(output, force, DESCRIPTION))
    problems.raise_any()
    assert inputs is not None
    return inputs


def _check_kinds(variants: Sequence[Variant]) -> None:
    first = set(variants[0].experiment.gpu_profiles)
    if other := next((each for each in variants if set(each.experiment.gpu_profiles) != first), None):
        raise ExperimentError(
            f"variant {other.name}: other profiles than the first variant's (found "
            f"{', '.join(sorted(set(other.experiment.gpu_profiles)))}); give all variants GPUs of the same kinds"
        )


def _check_rules(rules: Rules) -> None:
    if rules.replications < 1:
        raise FlagError(f"seeds: at least one replication is needed (found {rules.replications}); write 5, say")
    if rules.by not in RANKING:
        raise FlagError(f"by: no figure to rank by (found {rules.by!r}); choose of {', '.join(RANKING)}")


def is_random(variants: Sequence[Variant]) -> bool:
    """Return whether the seed makes a difference to any of the variants."""
    first = variants[0].experiment
    thinking = first.clients is not None and first.clients.think_law != "constant"
    drawn = first.arrivals is not None or thinking or first.noise
    return drawn or any(
        takes_seed(variant.experiment.policy)
        or _takes_seed(parse_predictor, variant.experiment.predictor)
        or (len(variant.experiment.gpu_profiles) > 1 and _takes_seed(parse_router, variant.experiment.router))
        for variant in variants
    )


def _takes_seed(parse: Callable[[str], tuple[type[Any], dict[str, Any]]], spec: str | None) -> bool:
    if spec is None:
        return False
    target, parameters = parse(spec)
    return "seed" in inspect.signature(target).parameters and "seed" not in parameters


def folder_names(variants: Sequence[Variant]) -> dict[str, str]:
    """Return by variant the name of the folder of its runs."""
    return {
        variant.name: f"{number}-{re.sub(r'[^A-Za-z0-9=.,-]+', '_', variant.name)[:80]}"
        for number, variant in enumerate(variants, 1)
    }


def _next_seeds(variants: Sequence[Variant], rules: Rules, done: int) -> Sequence[int]:
    count = rules.replications if is_random(variants) else 1
    if rules.until is not None:
        count = min(count, rules.until.most - done)
    first = variants[0].experiment.seed + done
    return range(first, first + count)


def _replicate(
    sweep: Sweep, variants: Sequence[Variant], seeds: Sequence[int], rules: Rules, output: Path | None
) -> list[Replication]:
    """Run every variant at every seed; measure those of a seed as soon as the last of them has finished."""
    planned = [(seed, variant.name, at_seed(variant, seed)) for seed in seeds for variant in variants]
    runs: dict[int, dict[str, Run]] = {seed: {} for seed in seeds}
    found: dict[int, Replication] = {}
    for number, run in sweep.finished([experiment for *_, experiment in planned]):
        seed, name, _ = planned[number]
        runs[seed][name] = run
        if len(runs[seed]) == len(variants):
            of_seed = runs.pop(seed)
            found[seed] = Replication.of({each.name: of_seed[each.name] for each in variants}, rules.with_warm_up)
            if output is None:  # nobody will look at them
                for each in of_seed.values():
                    shutil.rmtree(each.folder)
    return [found[seed] for seed in seeds]


def at_seed(variant: Variant, seed: int) -> Experiment:
    """Return the experiment of a variant at a seed."""
    return variant.experiment.model_copy(update={"seed": seed})


def _comparison(
    variants: Sequence[Variant], rules: Rules, replications: Sequence[Replication], output: Path | None
) -> Comparison:
    names = tuple(variant.name for variant in variants)
    first = variants[0].experiment.seed
    seeds = tuple(range(first, first + len(replications)))
    unsteady = {
        name: at
        for name in names
        if (at := [seed for seed, each in zip(seeds, replications, strict=True) if name in each.unsteady])
    }
    found = Comparison(
        names, seeds, rules.by, (),
        {name: [each.descriptions[name] for each in replications] for name in names},
        {name: [each.figures[name] for each in replications] for name in names},
        tuple(each.warm_up_s for each in replications),
        unsteady,
        {} if output is None else folder_names(variants),
    )  # fmt: skip
    missed = rules.until is not None and not rules.until.reached(found)
    said = notes(len(seeds), is_random(variants), unsteady, str(rules.until) if missed else "")
    return found._replace(notes=(*said, *settings_notes([each for of in found.descriptions.values() for each in of])))


def _keep(found: Comparison, sweep: Sweep, variants: Sequence[Variant], output: Path, force: bool) -> None:
    text = json.dumps(document(found), indent=2, sort_keys=True, allow_nan=False) + "\n"
    with writing(output, force, DESCRIPTION) as partial_folder:
        (partial_folder / DESCRIPTION).write_text(text, encoding="utf-8")
        for variant, name in zip(variants, folder_names(variants).values(), strict=True):
            (partial_folder / name).mkdir()
            for seed in found.seeds:
                # Moved, and last: a full disk would have been noticed by now.
                sweep.folder(at_seed(variant, seed)).rename(partial_folder / name / f"seed-{seed}")
