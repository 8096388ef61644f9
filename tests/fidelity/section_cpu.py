"""Co-location recorded by isim itself on a CPU: models fitted to pairs, tested on triples, where it was recorded."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from figures import Section, percent, spread, table

from isim.calibrate import fit
from isim.calibration.mixes import Mix, read_mixes
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.profiler.colocation import Recording
from isim.profiler.profile import Profile
from isim.validate import repeatability, validate

MODELS = (NoContention, Constant, Fair, Roofline, Leftover)


def section(folder: Path, executor: Executor) -> Section:
    """Report on every `cpu*.parquet` beside which `cpu*-pairs*.parquet` and `cpu*-triples*.parquet` stand."""
    found: dict[str, Any] = {}
    lines: list[str] = []
    for profile in sorted(folder.glob("cpu*.parquet")):
        pairs, triples = (sorted(folder.glob(f"{profile.stem}-{what}*.parquet")) for what in ("pairs", "triples"))
        if pairs and triples:
            found[profile.stem], more = _report(profile, pairs, triples, executor)
            lines += [*more, ""]
    if not found:
        lines = [
            f"Not in this report: no recording of a CPU in `{folder.name}/`. The commands above make one; then run "
            "`make validation` again."
        ]
    return Section(found, lines, {})


def _report(path: Path, pairs: list[Path], triples: list[Path], executor: Executor) -> tuple[dict[str, Any], list[str]]:
    recorded_on = Recording.read(pairs[0]).footer["device"]
    profile = _with_cores(Profile.read(path), len(recorded_on["cores"]))
    fitted_to, tested_on = _mixes(profile, pairs), _mixes(profile, triples)
    repeats = {"pairs": repeatability(fitted_to), "triples": repeatability(tested_on)}
    figures: dict[str, Any] = {}
    rows = []
    in_turns = [[mix._replace(sharing="time-slicing") for mix in mixes] for mixes in (fitted_to, tested_on)]
    runs = [(target.name, target, fitted_to, tested_on) for target in MODELS]
    for name, target, known, unknown in [*runs, ("time-slicing", NoContention, *in_turns)]:
        fitted = fit(profile, known, target, executor)
        tested = executor.submit(validate, profile, unknown, target(**fitted.parameters)).result()
        ratio = tested["mape"] / repeats["triples"] if repeats["triples"] else None
        figures[name] = {
            "n": tested["n"], "mape": tested["mape"], "p90_ape": tested["p90_ape"],
            "mape_interval": [tested["mape_low"], tested["mape_high"]], "folds": "fitted to pairs, tested on triples",
            "pairs": {kind: error._asdict() for kind, error in fitted.errors.items()},
            "by_workload": tested["by_workload"], "parameters": dict(fitted.parameters),
            "repeatability": repeats, "times_repeatability": ratio,
        }  # fmt: skip
        rows.append([
            f"`{name}`", ", ".join(f"{k} {v:g}" for k, v in fitted.parameters.items()) or "nothing",
            percent(fitted.errors.get("pair", fitted.errors["fit"]).mape), percent(tested["mape"]),
            spread(tested["mape_low"], tested["mape_high"]), "-" if ratio is None else f"{ratio:.1f}",
        ])  # fmt: skip
    slowdowns = [np.mean([value for mix in mixes for value in mix.slowdowns]) for mixes in (fitted_to, tested_on)]
    head = (
        f"`{path.name}`: {recorded_on['name']}, cores {', '.join(map(str, recorded_on['cores']))}; "
        f"{len(fitted_to)} pairs (mean slowdown {slowdowns[0]:.2f}, "
        f"repeats deviate by {percent(repeats['pairs'])}), {len(tested_on)} triples ({slowdowns[1]:.2f}, "
        f"{percent(repeats['triples'])})."
    )
    header = ["model", "fitted to pairs", "pair left out", "triples", "95 % interval", "error ÷ repeatability"]
    return figures, [head, "", *table(header, rows, left=2)]


def _with_cores(profile: Profile, cores: int) -> Profile:
    """Say of each kernel what is known without counters: its one thread fills one core. Of memory nothing is known."""
    whole = pa.concat_tables(
        profile.operations(model, size) for model in profile.models for size in profile.batch_sizes(model)
    )
    for name, value in (("sm", 1.0 / cores), ("memory", 0.0)):
        place = whole.schema.get_field_index(name)
        whole = whole.set_column(place, whole.schema.field(place), pa.repeat(value, len(whole)))
    return Profile.from_table(whole, profile.footer)


def _mixes(profile: Profile, paths: list[Path]) -> list[Mix]:
    """Return the mixes of several recordings of one campaign; repeats stand beside each other."""
    found: list[Mix] = []
    for path in paths:
        recording = Recording.read(path)
        sharing = str(recording.table["sharing"][0].as_py())
        mixes, _ = read_mixes(recording, profile, sharing, path.name)
        found += [mix._replace(experiment=len(found) + i) for i, mix in enumerate(mixes)]
    return found
