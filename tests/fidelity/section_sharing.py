"""V100 pairs that share the GPU by parts of the SMs, or in turns."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import v100_pairs
from figures import Floats, Section, percent, resampled, spread, table

from isim.calibrate import predict
from isim.contention.block_scheduler import BlockScheduler
from isim.contention.contract import ContentionModel
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.mixes import Mix, measured, read_mixes
from isim.profiler.importers.recordings.kace import read_kace
from isim.profiler.importers.recordings.record import record
from isim.profiler.profile import Profile
from isim.replay import PHASES
from isim.validate import repeatability, validate

_HOST_BOUND = "vit-base-patch16-224"
_CONSTANTS = np.arange(1.9, 2.2, 0.01)


def read(data: Path) -> tuple[Profile, dict[str, list[Mix]]]:
    """Return the profile, and the mixes of the campaigns by sharing mode."""
    profile = v100_pairs.read_profile(data, v100_pairs.read_workloads(data))
    folder = data / "gpu" / "v100-kace"
    files = [folder / "pairs.csv", folder / "solo_throughput_vs_mps.csv"]
    recording, _ = record(read_kace(files, profile=profile), profile=profile)
    modes = ("mps:shares", "time-slicing")
    return profile, {mode: read_mixes(recording, profile, mode, "pairs.csv")[0] for mode in modes}


def shares(data: Path, executor: Executor) -> Section:
    """Judge parameters from the pairs at the whole GPU on parts of the SMs."""
    profile, by_mode = read(data)
    mixes = by_mode["mps:shares"]
    # Parameters of the pairs at the whole GPU, as the part on them of this page fits them.
    models: list[ContentionModel] = [
        NoContention(), Roofline(), Leftover(kappa=1.05, beta=0.0), Leftover(kappa=1.0, beta=0.05), BlockScheduler(),
    ]  # fmt: skip
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])
    runs = [executor.submit(validate, profile, mixes, model) for model in models]
    repeats = repeatability(mixes)
    found: dict[str, Any] = {}
    rows, alone = [], _errors(runs[0].result())
    for model, run in zip(models, runs, strict=True):
        each, errors = run.result(), _errors(run.result())
        gain = alone - errors
        low, high = resampled(gain, owner)
        name = _named(model)
        found[name] = _kept(each) | {"repeatability": repeats, "folds": "fitted at the whole GPU", "gain": gain.mean()}
        found[name]["gain_interval"] = [low, high]
        rows.append([
            f"`{name}`", percent(each["mape"]), spread(each["mape_low"], each["mape_high"]), percent(each["p90_ape"]),
            "-" if name == "none" else f"{100 * gain.mean():+.2f} [{100 * low:+.2f}, {100 * high:+.2f}]",
        ])  # fmt: skip
    header = ["model", "mean error", "95 % interval", "90th percentile", "better than `none` by, points"]
    lines = [*table(header, rows), "", *_by_part(mixes, [run.result() for run in runs[::2]], found)]
    return Section(found, lines, {})


def _by_part(mixes: list[Mix], runs: list[dict[str, Any]], found: dict[str, Any]) -> list[str]:
    """Compare no interference with the fitted model by workload and by co-runner, and say what repeats differ by."""
    names = [f"{p.model}@{p.batch_size}" for mix in mixes for p in mix.processes]
    beside_vit = np.array([
        any(other.model == _HOST_BOUND for j, other in enumerate(mix.processes) if j != i)
        for mix in mixes for i in range(len(mix.processes))
    ])  # fmt: skip
    own = np.array(names)
    truth = measured(mixes)
    parts = {name: own == name for name in sorted(set(names))}
    parts |= {"beside ViT": beside_vit, "beside BERT or wav2vec2": ~beside_vit}
    rows = []
    for name, chosen in parts.items():
        cells = [percent(_errors(run)[chosen].mean()) for run in runs]
        rows.append([name, str(int(chosen.sum())), f"{truth[chosen].mean():.3f}", *cells])
    header = ["members", "slowdowns", "mean slowdown", "`none`", "`leftover` 1.05, 0", "`block-scheduler`"]
    found["by_part"] = {row[0]: {"n": int(row[1]), "errors": row[3:]} for row in rows}
    repeats = found["none"]["repeatability"]
    note = f"Repeats of one mix deviate from their mean by {percent(repeats)}." if repeats else "No mix was repeated."
    return [*table(header, rows), "", note]


def turns(data: Path, executor: Executor) -> Section:
    """Judge time-slicing, in which no parameter is fitted, over all pairs and over those that the GPU bounds."""
    profile, by_mode = read(data)
    mixes = by_mode["time-slicing"]
    bound = [mix for mix in mixes if all(process.model != _HOST_BOUND for process in mix.processes)]
    found, rows = {}, []
    for name, chosen in (("all", mixes), ("GPU-bound", bound)):
        truth = measured(chosen)
        owner = np.repeat(np.arange(len(chosen)), [len(mix.processes) for mix in chosen])
        simulated = np.array(executor.submit(predict, profile, chosen, NoContention(), PHASES).result())
        best = min(_CONSTANTS, key=lambda constant: float(np.abs(constant / truth - 1).mean()))
        for what, values in (("turns", simulated), ("2", 2.0), (f"{best:.2f}, the best constant", best), ("none", 1.0)):
            errors = np.abs(values / truth - 1)
            low, high = resampled(errors, owner)
            found[f"{name}: {what}"] = {
                "n": len(truth), "mape": float(errors.mean()), "mape_interval": [low, high],
                "p90_ape": float(np.percentile(errors, 90)), "folds": "nothing is fitted",
                "repeatability": repeatability(chosen),
            }  # fmt: skip
            figures = [percent(errors.mean(), 2), spread(low, high), percent(np.percentile(errors, 90))]
            rows.append([name, what, str(len(truth)), *figures, percent(repeatability(chosen))])
    header = ["pairs", "slowdown", "n", "mean error", "95 % interval", "90th percentile", "repeats deviate by"]
    lines = [*table(header, rows, left=2), "", *_scatter(bound, found)]
    return Section(found, lines, {})


def _scatter(bound: list[Mix], found: dict[str, Any]) -> list[str]:
    """Say what the scatter of the GPU-bound pairs consists of."""
    delivered = np.array([sum(1 / slowdown for slowdown in mix.slowdowns) for mix in bound])
    twins = [mix.slowdowns for mix in bound if mix.processes[0] == mix.processes[1]]
    found["GPU-bound: scatter"] = {
        "delivered_median": float(np.median(delivered)), "delivered_least": float(delivered.min()),
        "delivered_most": float(delivered.max()), "twins": [list(pair) for pair in twins],
    }  # fmt: skip
    equal = ", ".join(f"{first:.2f} and {second:.2f}" for first, second in twins)
    return [
        f"What two GPU-bound processes got of the GPU together: {delivered.min():.3f} to {delivered.max():.3f} of it, "
        f"median {np.median(delivered):.3f}. Two processes of one workload and batch size, which no model can tell "
        f"apart, were slowed by {equal}."
    ]


def _errors(run: dict[str, Any]) -> Floats:
    return np.array([abs(member["simulated"] / member["measured"] - 1) for member in run["members"]])


def _kept(run: dict[str, Any]) -> dict[str, Any]:
    kept = {key: run[key] for key in ("n", "mape", "p90_ape", "bias", "by_workload")}
    return {**kept, "mape_interval": [run["mape_low"], run["mape_high"]]}


def _named(model: ContentionModel) -> str:
    values = [f"{name}={getattr(model, name):g}" for name in getattr(model, "search", {})]
    return f"{model.name}:{','.join(values)}" if values else model.name
