"""V100 pairs at the whole GPU: every contention model, fitted, and judged on what it was fitted without."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import svg
import v100_pairs
from ablations import ABLATIONS, Whole, WithoutGrids
from figures import Section, percent, resampled, spread, table

from isim.calibrate import Fit, fit, predict
from isim.calibration.linear_baseline import linear_errors
from isim.calibration.mixes import Mix, folds, measured
from isim.calibration.replay import PHASES
from isim.contention.block_scheduler import BlockScheduler
from isim.contention.constant import Constant
from isim.contention.fair import Fair
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.profiler.profile import Profile

MODELS = (NoContention, Constant, Fair, Roofline, Leftover, BlockScheduler)


def section(data: Path, executor: Executor) -> Section:
    """Fit, compare and ablate."""
    workloads = v100_pairs.read_workloads(data)
    profile = v100_pairs.read_profile(data, workloads)
    mixes = v100_pairs.read_mixes(data, workloads)
    fits = [fit(profile, mixes, model, executor) for model in MODELS]
    repeats = v100_pairs.repeatability(data)
    repeatability = {"median": float(np.median(repeats)), "p90": float(np.percentile(repeats, 90))}
    found: dict[str, Any] = {each.name: _figures(each) | {"repeatability": repeatability} for each in fits}
    linear = linear_errors(profile, mixes)
    found["linear regression"] = {
        "n": len(linear["pair"]),
        "mape": float(linear["pair"].mean()),
        "p90_ape": float(np.percentile(linear["pair"], 90)),
        "folds": {kind: {"mape": float(errors.mean())} for kind, errors in linear.items()},
        "repeatability": repeatability,
    }
    families = list(folds(mixes)["family"])
    header = ["model", "fitted", "pair left out", "95 % interval", "90th percentile"]
    rows = [_row(each, families) for each in fits]
    unseen = linear["pair"]
    rows.append(["linear regression", f"{len(folds(mixes)['pair'])} folds", percent(unseen.mean()), "-"])
    rows[-1] += [percent(np.percentile(unseen, 90)), percent(linear["family"].mean()), *["-"] * len(families)]
    lines = table([*header, "family left out", *(f"{name} left out" for name in families)], rows, left=2)
    found["block-scheduler"]["ablations"], more = _ablations(profile, mixes, data, executor)
    truth = measured(mixes)
    whole = next(each for each in fits if each.name == BlockScheduler.name)
    simulated = predict(profile, mixes, BlockScheduler(**whole.parameters), PHASES)
    lines += [
        "",
        f"Repeats of one measurement in the same campaign differ by {percent(repeatability['median'])} in the median "
        f"and {percent(repeatability['p90'])} at the 90th percentile.",
        "",
        "![simulated against measured slowdowns](validation/v100-pairs-scatter.svg)",
        "![errors on pairs left out](validation/v100-pairs-errors.svg)",
        "",
        *more,
    ]
    curves = {each.name: each.unseen.tolist() for each in fits} | {"linear": unseen.tolist()}
    plots = {
        "v100-pairs-scatter.svg": svg.scatter("V100 pairs: slowdown, block-scheduler", truth.tolist(), simulated),
        "v100-pairs-errors.svg": svg.error_curves("V100 pairs: errors on pairs left out", curves),
    }
    return Section(found, lines, plots)


def _figures(each: Fit) -> dict[str, Any]:
    errors = {kind: error._asdict() for kind, error in each.errors.items()}
    return {
        "n": len(each.unseen),
        "mape": errors["pair"]["mape"],
        "mape_interval": [errors["pair"]["mape_low"], errors["pair"]["mape_high"]],
        "p90_ape": errors["pair"]["p90_ape"],
        "folds": errors,
        "families": {name: error._asdict() for name, error in each.families.items()},
        "parameters": dict(each.parameters),
        "intervals": {name: list(ends) for name, ends in each.intervals.items()},
        "unidentified": list(each.unidentified),
    }


def _row(each: Fit, families: list[str]) -> list[str]:
    frozen = dict.fromkeys(each.unidentified, " (frozen)")
    fitted = ", ".join(f"{name} {value:g}{frozen.get(name, '')}" for name, value in each.parameters.items())
    pair, family = each.errors["pair"], each.errors["family"]
    cells = [f"`{each.name}`", fitted or "nothing", percent(pair.mape), spread(pair.mape_low, pair.mape_high)]
    return [*cells, percent(pair.p90_ape), percent(family.mape), *(percent(each.families[m].mape) for m in families)]


def _ablations(profile: Profile, mixes: list[Mix], data: Path, executor: Executor) -> tuple[dict[str, Any], list[str]]:
    """Fit `block-scheduler` without each of its terms, and return what each is worth on pairs left out."""
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])
    # `sm_needed` is not measured here, so that leaving it out changes nothing.
    kept = [each for each in ABLATIONS if each is not WithoutGrids]
    fits = {each.what: fit(profile, mixes, each, executor) for each in kept}
    grids = v100_pairs.read_profile(data, v100_pairs.read_workloads(data), grids=True)
    fits["`sm_needed` computed from grid, block and registers"] = fit(grids, mixes, Whole, executor)
    whole = fits[Whole.what]
    found, rows = {}, []
    for what, each in fits.items():
        worse = each.unseen - whole.unseen
        low, high = resampled(worse, owner)
        error = each.errors["pair"]
        found[what] = {"mape": error.mape, "p90_ape": error.p90_ape, "worse": float(worse.mean())}
        found[what]["worse_interval"] = [low, high]
        difference = "-" if each is whole else f"{100 * worse.mean():+.1f} [{100 * low:+.1f}, {100 * high:+.1f}]"
        rows.append([what, f"{each.parameters['kappa']:g}", percent(error.mape), percent(error.p90_ape), difference])
    header = ["`block-scheduler`, kappa fitted again", "kappa", "pair left out", "90th percentile", "worse by, points"]
    return found, table(header, rows)
