"""V100 pairs that share the GPU by parts of the SMs, or in turns."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import v100_pairs
from figures import Floats, Section, percent, resampled, spread, table

from isim.calibrate import predict
from isim.calibration.mixes import Mix, measured, read_mixes
from isim.calibration.replay import PHASES
from isim.contention.block_scheduler import BlockScheduler
from isim.contention.contract import ContentionModel
from isim.contention.leftover import Leftover
from isim.contention.none import NoContention
from isim.contention.roofline import Roofline
from isim.profiler.importers.recordings.kace import read_kace
from isim.profiler.importers.recordings.record import record
from isim.profiler.profile import Profile
from isim.validate import repeatability

_HOST_BOUND = "vit-base-patch16-224"
_CONSTANTS = np.arange(1.0, 2.5, 0.01)


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
    # The last is at its defaults, which those pairs cannot tell from what fits them best (beta 0 to 0.1).
    models: list[ContentionModel] = [Roofline(), BlockScheduler(), Leftover(kappa=1.05, beta=0.0), Leftover()]
    owner = np.repeat(np.arange(len(mixes)), [len(mix.processes) for mix in mixes])
    truth = measured(mixes)
    simulated = {"none": np.ones(len(truth))} | {
        _named(model): values
        for model, values in zip(models, _predicted(profile, mixes, models, executor), strict=True)
    }
    found: dict[str, Any] = {}
    rows, alone = [], np.abs(1 / truth - 1)
    for name, values in simulated.items():
        errors = np.abs(values / truth - 1)
        gain = alone - errors
        low, high = resampled(errors, owner)
        gain_low, gain_high = resampled(gain, owner)
        found[name] = {
            "n": len(errors), "mape": float(errors.mean()), "mape_interval": [low, high],
            "p90_ape": float(np.percentile(errors, 90)), "folds": "fitted at the whole GPU",
            "repeatability": repeatability(mixes), "gain": float(gain.mean()), "gain_interval": [gain_low, gain_high],
        }  # fmt: skip
        rows.append([
            f"`{name}`", percent(errors.mean()), spread(low, high), percent(np.percentile(errors, 90)),
            "-" if name == "none" else f"{100 * gain.mean():.2f} [{100 * gain_low:.2f}, {100 * gain_high:.2f}]",
        ])  # fmt: skip
    header = ["model", "mean error", "95 % interval", "90th percentile", "better than `none` by, points"]
    lines = [*table(header, rows), "", *_by_part(mixes, simulated, found)]
    return Section(found, lines, {})


def _predicted(profile: Profile, mixes: list[Mix], models: list[ContentionModel], executor: Executor) -> list[Floats]:
    """Return the slowdowns that each model predicts, computed in parts of the mixes."""
    parts = [mixes[i : i + 20] for i in range(0, len(mixes), 20)]
    runs = [[executor.submit(predict, profile, part, model, PHASES) for part in parts] for model in models]
    return [np.concatenate([np.array(run.result()) for run in of_model]) for of_model in runs]


def _by_part(mixes: list[Mix], simulated: dict[str, Floats], found: dict[str, Any]) -> list[str]:
    """Compare the models by workload, by co-runner and by the member's share of the SMs."""
    members = [(process, mix.processes[1 - i]) for mix in mixes for i, process in enumerate(mix.processes)]
    own = np.array([f"{process.model}@{process.batch_size}" for process, _ in members])
    beside_vit = np.array([other.model == _HOST_BOUND for _, other in members])
    share = np.array([process.sm_share for process, _ in members])
    parts = {name: own == name for name in sorted(set(own.tolist()))}
    parts |= {"beside ViT": beside_vit, "beside BERT or wav2vec2": ~beside_vit}
    parts |= {"on at most 30 % of the SMs": share <= 0.3, "on at least 70 %": share >= 0.7}
    truth = measured(mixes)
    rows, figures = [], {}
    for name, chosen in parts.items():
        errors = {model: float(np.abs(values / truth - 1)[chosen].mean()) for model, values in simulated.items()}
        figures[name] = {"n": int(chosen.sum()), "mean_slowdown": float(truth[chosen].mean()), "mape": errors}
        rows.append([name, str(chosen.sum()), f"{truth[chosen].mean():.3f}", *(percent(e) for e in errors.values())])
    found["by part"] = figures
    repeats = repeatability(mixes)
    said = "No mix was measured twice." if repeats is None else f"Repeats deviate by {percent(repeats)}."
    header = ["members", "slowdowns", "mean slowdown", *(f"`{model}`" for model in simulated)]
    return [*table(header, rows), "", said]


def turns(data: Path, executor: Executor) -> Section:
    """Judge time-slicing, in which no parameter is fitted, over all pairs and over those that the GPU bounds."""
    profile, by_mode = read(data)
    mixes = by_mode["time-slicing"]
    bound = [mix for mix in mixes if all(process.model != _HOST_BOUND for process in mix.processes)]
    found, rows = {}, []
    for name, chosen in (("all", mixes), ("GPU-bound", bound)):
        truth = measured(chosen)
        owner = np.repeat(np.arange(len(chosen)), [len(mix.processes) for mix in chosen])
        together = [mix._replace(windows=()) for mix in chosen]
        simulated, beside = (
            np.array(executor.submit(predict, profile, each, NoContention(), PHASES).result())
            for each in (chosen, together)
        )
        best = min(_CONSTANTS, key=lambda constant: float(np.abs(constant / truth - 1).mean()))
        for what, values in (
            ("turns", simulated), ("turns, had both always run together", beside), ("2", 2.0),
            (f"{best:.2f}, the best constant", best), ("none", 1.0),
        ):  # fmt: skip
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
    lines = [*table(header, rows, left=2), "", *_scatter(bound, simulated, found)]
    return Section(found, lines, {})


def _scatter(bound: list[Mix], simulated: Floats, found: dict[str, Any]) -> list[str]:
    """Say what the scatter of the GPU-bound pairs consists of."""
    delivered = np.array([sum(1 / slowdown for slowdown in mix.slowdowns) for mix in bound])
    twins = [
        (mix.slowdowns, tuple(own.tolist()))
        for mix, own in zip(bound, simulated.reshape(-1, 2), strict=True)
        if mix.processes[0] == mix.processes[1]
    ]
    found["GPU-bound: scatter"] = {
        "delivered_median": float(np.median(delivered)), "delivered_least": float(delivered.min()),
        "delivered_most": float(delivered.max()), "twins": [list(slowdowns) for slowdowns, _ in twins],
        "twins_simulated": [list(slowdowns) for _, slowdowns in twins],
    }  # fmt: skip
    equal = ", ".join(f"{a:.2f} and {b:.2f} (simulated {c:.2f} and {d:.2f})" for (a, b), (c, d) in twins)
    return [
        f"What two GPU-bound processes got of the GPU together, with the time that the first was alone: "
        f"{delivered.min():.3f} to {delivered.max():.3f} of it, median {np.median(delivered):.3f}. Two processes of "
        f"one workload and batch size were slowed by {equal}."
    ]


def _named(model: ContentionModel) -> str:
    values = [f"{name}={getattr(model, name):g}" for name in getattr(model, "search", {})]
    return f"{model.name}:{','.join(values)}" if values else model.name
