"""Search the highest load, or the fewest GPUs, at which each of several variants keeps a requirement."""

import json
from collections.abc import Sequence
from pathlib import Path

from isim.compare import DESCRIPTION, Rules, is_random, prepare
from isim.comparison.capacity import Capacity, measure_capacity
from isim.comparison.capacity_document import document
from isim.comparison.executor import Executor, Here
from isim.comparison.gpus import Gpus, with_gpus
from isim.comparison.load import Load, rate_rps
from isim.comparison.requirement import Requirement
from isim.comparison.run_store import opened
from isim.comparison.sweep import Sweep, Told
from isim.comparison.variants import Variant
from isim.whole_folder import writing


def capacity(
    variants: Sequence[Variant],
    requirement: Requirement,
    replications: int = 5,
    folder: str | Path | None = None,
    force: bool = False,
    executor: Executor | None = None,
    most_gpus: int | None = None,
    told: Told = lambda done, total: None,
) -> Capacity:
    """Search what each variant sustains, a search for every seed.

    That is the highest load, of the same arrivals faster or slower; or the fewest GPUs for the load as it is.

    Parameters
    ----------
    variants
        The first is that with which the others are compared.
    requirement
        What a variant must keep.
    replications
        How many seeds; one if nothing is random.
    folder
        Where to keep `compare.json`; None to keep nothing. What is finished of an interrupted search lies beside it.
    most_gpus
        Search the fewest GPUs, at most so many; None for the load.
    force, executor, told
        As of `isim.compare.compare`.

    Raises
    ------
    IsimError
        As `Experiment.run`; the requests have no rate; no load breaks the requirement; or no number of GPUs keeps it.
    """
    output = None if folder is None else Path(folder)
    gpus = None if most_gpus is None else Gpus.around(variants, most_gpus)
    if gpus is not None:
        variants = [each._replace(experiment=with_gpus(each.experiment, gpus.start)) for each in variants]
    inputs = prepare(variants, Rules(replications), output, force)
    axis = gpus if gpus is not None else Load(rate_rps(variants[0].experiment, inputs))
    first = variants[0].experiment.seed
    seeds = range(first, first + (replications if is_random(variants) else 1))
    with executor or Here() as place, opened(output) as store:
        found = measure_capacity(Sweep(store, place, inputs.profile, told), variants, seeds, requirement, axis)
        if output is not None:
            text = json.dumps(document(found), indent=2, sort_keys=True, allow_nan=False) + "\n"
            with writing(output, force, DESCRIPTION) as partial:
                (partial / DESCRIPTION).write_text(text, encoding="utf-8")
    return found
