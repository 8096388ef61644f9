"""What the studies share: the models and their load, batches served by simulation, and how results are published."""

import argparse
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from isim.building.inputs import read_profile
from isim.building.seeded import make_seeded
from isim.engine.ask import train
from isim.evaluation.cases import Cases
from isim.evaluation.prequential import Said, prequential
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.profiler.networks.registry import network_names
from isim.profiler.profile import Profile
from isim.run import Run
from isim.statistics import Interval

TRUTH = "leftover:kappa=1.05,beta=0"
"""As fitted to measured pairs on a V100 under MPS (docs/validation.md): not the GPU and sharing mode of the paper."""
OTHER_TRUTHS = ("fair", "roofline", "block-scheduler")
MEASURED = Path(os.environ.get("ISIM_SHARED_DATA", "../shared/data")) / "gpu"
"""Measurements, which do not come with isim."""
NAMES = sorted(network_names())
KNOWN, UNSEEN = NAMES[:3], NAMES[3:]  # by the alphabet, so that nobody chose
SETS = {
    "training": (KNOWN, 0.9),
    "same models, other load": (KNOWN, 0.5),
    "unseen models": (UNSEEN, 0.9),
    "mix of all six": (NAMES, 0.9),
}
"""By name: the models, and the share of the GPU's time that their requests need in batches of four, alone."""


@contextmanager
def profile_of(gpu: str) -> Iterator[Path]:
    """Write the analytic profile of a GPU into a temporary file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{gpu}.parquet"
        read_profile(f"analytic:{gpu}", tuple(NAMES)).write(path)
        yield path


def rate_rps(profile: Profile, models: Sequence[str], load: float) -> float:
    """Return the rate at which requests need a share of the GPU's time, alone in batches of four."""
    return load / (sum(profile.solo_ns(model, 4) / 4e9 for model in models) / len(models))


def serve(path: Path, models: Sequence[str], load: float, seed: int, duration_s: float, **keys: Any) -> Run:
    """Serve Poisson arrivals, each model alike, by greedy batches of at most 8, two at once unless `keys` say else."""
    rate = rate_rps(Profile.read(path), models, load)
    arrivals: Any = {"rate": f"{rate!r}rps", "duration": f"{duration_s!r}s", "models": dict.fromkeys(models, 1.0)}
    common: dict[str, Any] = {"policy": "greedy:max_batch=8", "concurrency": 2, "contention": TRUTH}
    return Experiment(profile=str(path), arrivals=arrivals, seed=seed, **(common | keys)).run()


def batches(path: Path, name: str, seed: int, duration_s: float, **keys: Any) -> Cases:
    """Return the batches of one of the sets, in order of finish; no two sets share a seed."""
    models, load = SETS[name]
    return run_cases(serve(path, models, load, seed + 1000 * list(SETS).index(name), duration_s, **keys))[0]


def said_by(spec: str, trained_on: Cases | None, tested_on: Cases, online: bool = True) -> Said:
    """Return what a predictor says of each batch: trained, then tested and taught batch by batch."""
    predictor = make_seeded(spec, 0)
    if trained_on is not None:
        train(predictor, spec, [case.observation for case in trained_on.cases])
    return prequential(predictor, spec, tested_on.cases, online)


def measured(cases: Cases) -> np.ndarray:
    """Return the slowdown of each batch."""
    return np.array([case.observation.slowdown for case in cases.cases])


def mse(said: Said, cases: Cases, moment: str) -> float:
    """Return the mean squared error of slowdowns said at a moment."""
    return float(np.mean((said.slowdown[moment] - measured(cases)) ** 2))


def shown(found: Interval, digits: int = 4) -> str:
    """Write a mean and its 95 % interval over seeds."""
    if found.low is None or found.high is None:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"


def parser_of(text: str | None, seeds: int = 10) -> argparse.ArgumentParser:
    """Return the options of every study; 0 seeds: it draws nothing."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    if seeds:
        parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--output", type=Path, default=Path("build/studies"), help="folder of the numbers")
    parser.add_argument("--page", type=Path, help="page whose tables and figure are replaced")
    return parser


def publish(
    arguments: argparse.Namespace, name: str, lines: Sequence[str], numbers: Mapping[str, Any], svg: str
) -> None:
    """Print the tables, write the numbers, and replace the page's tables and figure."""
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / f"{name}.json").write_text(json.dumps(numbers, indent=2) + "\n")
    print("\n".join(lines))
    if arguments.page is not None:
        before, start, rest = arguments.page.read_text().partition("<!-- tables -->\n")
        _, end, after = rest.partition("<!-- end -->")
        arguments.page.write_text(before + start + "\n".join(lines) + "\n" + end + after)
        arguments.page.with_name(f"{name}.svg").write_text(svg)
