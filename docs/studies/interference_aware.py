"""Whether interference-aware EDF sustains more load than other policies, what each of its ideas is worth, and why.

    python docs/studies/interference_aware.py --page docs/studies/interference_aware.md

What has been measured is kept in `build/studies/interference_aware.kept.json`, and is not measured again.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from contenders import Contender, Setting, Trial, missed, sustained_rps
from four_workloads import WORKLOADS, absent
from load_bars import load_bars
from study import parser_of, publish, shown
from two_priorities import missed_by_priority

from isim.comparison.executor import make_executor
from isim.statistics import interval, paired_difference

BEST = Contender("interference-aware", 2, "mechanisms")
ORACLE = BEST._replace(predictor="oracle")
MISTAKEN = BEST._replace(predictor="look-ahead:contention=leftover")
"""Runs forward a model that is not the truth, though both were fitted to the same measurements."""
FIRST_SEED = 10
"""Seeds 0 to 2 were looked at while the policy was made."""
RATES_RPS = {"Poisson": 650.0, "Azure code": 50.0, "DISB REAL": 850.0, "on-off bursts": 500.0}
"""About what the policy sustains: where the bisection of its load begins, and where ablations are compared."""
OTHERS = (
    "alpaserve", "alpaserve:batching=true", "aimd-concurrency", "clipper", "clockwork", "dynamic:max_queue_delay=1ms",
    "edf", "edf:drop_late=true", "fcfs", "greedy", "nexus", "proteus:slowdown=1.3", "shepherd", "shortest-first",
    "static:batch_size=2,max_delay=1ms", "symphony:slowdown=1.3", "tf-serving",
)  # fmt: skip
STRONGEST = 4
AGAIN = 16
"""Of the other policies, how many are screened at two seeds more."""
ABLATIONS = {
    "all": "",
    "no `triage`": "triage=false",
    "no `peer_check`": "peer_check=false",
    "no `reserve`": "reserve=none",
    "no `deferral`": "deferral=false",
    "no `batching`": "batching=false",
    "no `admission`": "admission=false",
    "`z` 0": "z=0",
    "`z` 3": "z=3",
}
PREDICTORS = ("mechanisms", "oracle", "look-ahead:contention=block-scheduler")

CALLS: dict[str, Callable[[Trial], Any]] = {
    "sustained_rps": sustained_rps, "missed": missed, "missed_by_priority": missed_by_priority,
}  # fmt: skip
OVERLOAD_RPS = 800.0
"""Of Poisson arrivals; not all can be in time."""


class Kept:
    """Measure trials that were not measured yet, and keep what comes of each."""

    def __init__(self, path: Path, executor: str) -> None:
        self._path = path
        self._executor = executor
        self._found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}

    def of(self, what: str, trials: Sequence[Trial]) -> list[Any]:
        """Return a figure of each trial."""
        left = [trial for trial in trials if repr((what, trial)) not in self._found]
        with make_executor(self._executor) as executor:
            for number, value in executor.finished(CALLS[what], left):
                self._found[repr((what, left[number]))] = value
                self._path.write_text(json.dumps(self._found, indent=0))
        return [self._found[repr((what, trial))] for trial in trials]


class Study:
    """What the options say, and what is measured under them."""

    def __init__(self, arguments: Any) -> None:
        self.seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
        self.duration_s, self.contention, self.factor = arguments.duration_s, arguments.contention, arguments.slo_factor
        arguments.output.mkdir(parents=True, exist_ok=True)
        self.kept = Kept(arguments.output / "interference_aware.kept.json", arguments.executor)

    def sustained(self, contender: Contender, workload: str, seeds: Sequence[int] | None = None) -> list[float]:
        """Return the load that is sustained at each seed."""
        return self.kept.of("sustained_rps", self._trials(contender, workload, seeds or self.seeds))

    def missed(self, contender: Contender, workload: str) -> list[float]:
        """Return the share missed at each seed, all at one rate."""
        return self.kept.of("missed", self._trials(contender, workload, self.seeds))

    def _trials(self, contender: Contender, workload: str, seeds: Sequence[int]) -> list[Trial]:
        setting = Setting(workload, self.factor, self.contention, self.duration_s)
        return [Trial(contender, setting, seed, RATES_RPS[workload]) for seed in seeds]


def screening(
    study: Study, workloads: Sequence[str], others: Sequence[str], most_at_once: int
) -> dict[str, dict[Contender, float]]:
    """Return, by workload, what every other policy sustains at one seed that the other tables do not use."""
    everyone = [Contender(policy, slots) for policy in others for slots in range(1, most_at_once + 1)]
    return {workload: {each: study.sustained(each, workload, [0])[0] for each in everyone} for workload in workloads}


def strongest(study: Study, workload: str, loads: dict[Contender, float]) -> list[Contender]:
    """Return the other policies that sustain most on average of three seeds, of those that do at the first."""
    again = sorted(loads, key=lambda each: -loads[each])[:AGAIN]
    means = {each: sum(study.sustained(each, workload, [0, 1, 2])) for each in again}
    return sorted(again, key=lambda each: -means[each])[:STRONGEST]


def main() -> None:
    """Print tables and figure, and write the numbers."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=3.0)
    parser.add_argument("--contention", default="block-scheduler")
    parser.add_argument("--slo-factor", type=float, default=5.0)
    parser.add_argument("--others", default=";".join(OTHERS), help="policies to compare with, separated by semicolons")
    parser.add_argument("--most-at-once", type=int, default=4, help="slots that other policies are given")
    parser.add_argument("--workloads", default=",".join(WORKLOADS))
    parser.add_argument("--executor", default="processes")
    arguments = parser.parse_args()
    study = Study(arguments)
    chosen = arguments.workloads.split(",")
    workloads = [workload for workload in chosen if not absent(workload)]
    lines = [f"Left out: {absent(workload)}." for workload in chosen if absent(workload)]
    screened = screening(study, workloads, arguments.others.split(";"), arguments.most_at_once)
    numbers: dict[str, Any] = {
        "screening": {
            workload: {each.name: load for each, load in loads.items()} for workload, loads in screened.items()
        }
    }
    numbers["sustained"] = {}
    lines += [*_sustained(study, screened, numbers["sustained"]), ""]
    lines += [*_ablation(study, workloads, numbers), ""]
    lines += [*_predictors(study, workloads, numbers), ""]
    lines += [*_priorities(study, numbers), ""]
    lines += _screened(screened, arguments.others.split(";"))
    publish(arguments, "interference_aware", lines, numbers, load_bars(numbers["sustained"]))


def _sustained(study: Study, screened: dict[str, dict[Contender, float]], numbers: dict[str, Any]) -> Iterator[str]:
    yield f"{len(study.seeds)} replications; requests per second, 95 % intervals."
    yield ""
    yield "| workload | policy | sustains | this policy sustains more by, % |"
    yield "|---|---|--:|--:|"
    for workload, loads in screened.items():
        mine = study.sustained(BEST, workload)
        numbers[workload] = {}
        for contender in (BEST, ORACLE, MISTAKEN, *strongest(study, workload, loads)):
            theirs = study.sustained(contender, workload)
            numbers[workload][contender.name] = theirs
            gain = "-" if contender == BEST else shown(_gain(mine, theirs), 1)
            yield f"| {workload} | {contender.name} | {shown(interval(theirs), 0)} | {gain} |"


def _gain(mine: Sequence[float], theirs: Sequence[float]) -> Any:
    """Return by how many per cent more is sustained in the geometric mean, paired by seed."""
    mean = paired_difference([math.log(load) for load in mine], [math.log(load) for load in theirs])
    low, high = (None if end is None else 100 * math.expm1(end) for end in (mean.low, mean.high))
    return mean._replace(mean=100 * math.expm1(mean.mean), low=low, high=high)


def _ablation(study: Study, workloads: Sequence[str], numbers: dict[str, Any]) -> Iterator[str]:
    variants = {name: BEST._replace(policy=f"{BEST.policy}:{key}".rstrip(":")) for name, key in ABLATIONS.items()}
    variants |= {f"{slots} at once": BEST._replace(concurrency=slots) for slots in (1, 3)}
    yield from _missed(study, workloads, "", variants, numbers.setdefault("ablation", {}))


def _predictors(study: Study, workloads: Sequence[str], numbers: dict[str, Any]) -> Iterator[str]:
    variants = {f"`{name}`": BEST._replace(predictor=name) for name in PREDICTORS}
    yield from _missed(study, workloads, "predictor", variants, numbers.setdefault("predictors", {}))


def _missed(
    study: Study, workloads: Sequence[str], head: str, variants: dict[str, Contender], numbers: dict[str, Any]
) -> Iterator[str]:
    rates = (f"{workload}, {RATES_RPS[workload]:g} rps" for workload in workloads)
    yield (
        f"{len(study.seeds)} replications at one load; per cent of the requests that the first misses, and how many "
        "points more the others do."
    )
    yield ""
    yield f"| {head} | {' | '.join(rates)} |"
    yield "|---|" + "--:|" * len(workloads)
    for name, contender in variants.items():
        found = {workload: study.missed(contender, workload) for workload in workloads}
        numbers[name] = found
        first = next(iter(numbers.values()))
        cells = (shown(_points(shares, first[workload]), 2) for workload, shares in found.items())
        yield f"| {name} | {' | '.join(cells)} |"


def _points(shares: Sequence[float], of_first: Sequence[float]) -> Any:
    """Return a share in per cent, or what it has more than the first, in points."""
    percent, of_first_percent = ([100 * share for share in each] for each in (shares, of_first))
    return interval(percent) if shares is of_first else paired_difference(percent, of_first_percent)


def _priorities(study: Study, numbers: dict[str, Any]) -> Iterator[str]:
    setting = Setting("Poisson", study.factor, study.contention, study.duration_s)
    yield f"{len(study.seeds)} replications, Poisson, {OVERLOAD_RPS:g} rps, a fifth of them urgent; per cent missed."
    yield ""
    yield "| | of the urgent | of the others |"
    yield "|---|--:|--:|"
    for name, policy in (("`priority`", BEST.policy), ("no `priority`", f"{BEST.policy}:priority=false")):
        trials = [Trial(BEST._replace(policy=policy), setting, seed, OVERLOAD_RPS) for seed in study.seeds]
        found = study.kept.of("missed_by_priority", trials)
        numbers.setdefault("priorities", {})[name] = found
        cells = (shown(interval([100 * share for share in shares]), 1) for shares in zip(*found, strict=True))
        yield f"| {name} | {' | '.join(cells)} |"


def _screened(screened: dict[str, dict[Contender, float]], others: Sequence[str]) -> Iterator[str]:
    yield "One seed; requests per second that each other policy sustains, with the slots (in brackets) that suit it."
    yield ""
    yield f"| policy | {' | '.join(screened)} |"
    yield "|---|" + "--:|" * len(screened)
    for policy in others:
        best = [
            max((load, -each.concurrency) for each, load in loads.items() if each.policy == policy)
            for loads in screened.values()
        ]
        yield f"| `{policy}` | {' | '.join(f'{load:.0f} ({-slots})' for load, slots in best)} |"


if __name__ == "__main__":
    main()
