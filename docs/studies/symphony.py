"""Batch sizes and goodput of deferred batching (Symphony) beside those of eager batching and of batching with a delay.

python docs/studies/symphony.py --page docs/studies/symphony.md
"""

from pathlib import Path
from typing import Any, NamedTuple

from shapes import TRUTHS, curve, over_seeds, percent, share, shares
from study import NAMES, parser_of, profile_of, publish, rate_rps, serve, shown

from isim.profiler.profile import Profile
from isim.statistics import interval, paired_difference
from isim.traces.plots.panels import Panel, panels_svg

LOADS = (0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6)
"""Of what the GPUs can do alone in batches of eight, the largest profiled."""
SLO_MS, DELAY_MS = 25, 5
POLICIES = {
    "deferred": "symphony",
    "deferred, lazy drop": "symphony:drop=earliest",
    "deferred, slowdown 1.5": "symphony:slowdown=1.5",
    "delay": f"dynamic:max_queue_delay={DELAY_MS}ms",
    "eager": "greedy",
}
OTHERS = ("deferred, lazy drop", "delay", "eager")


class Setting(NamedTuple):
    """Where batches run."""

    slots: int
    truth: str
    gpus: int

    def __str__(self) -> str:
        if self.gpus == self.slots:
            return f"{self.gpus} GPU{'s' * (self.gpus > 1)}"
        return f"{self.gpus} GPU, {self.slots} at once, `{self.truth}`"


SETTINGS = [Setting(4, "none", 4), Setting(1, "none", 1), Setting(2, TRUTHS[0], 1)]
"""Slots without contention stand for GPUs, as in the original; each has one batch at a time."""
Found = dict[Setting, dict[float, dict[str, dict[str, list[float]]]]]
"""Each figure at each seed, by setting, load and policy."""


def figures(path: Path, setting: Setting, policy: str, load: float, seed: int, duration_s: float) -> dict[str, float]:
    """Serve all six models, one seed."""
    profile = Profile.read(path)
    in_eights_rps = setting.gpus * len(NAMES) / sum(profile.solo_ns(model, 8) / 8e9 for model in NAMES)
    keys: dict[str, Any] = {"concurrency": setting.slots, "contention": setting.truth, "slo": f"{SLO_MS}ms"}
    load_in_fours = load * in_eights_rps / rate_rps(profile, NAMES, 1.0)
    return shares(serve(path, NAMES, load_in_fours, seed, duration_s, policy=POLICIES[policy], **keys))


def simulate(seeds: int, duration_s: float) -> Found:
    """Return the figures of every setting, load and policy; a seed brings the same requests to all policies."""
    with profile_of("L4") as path:

        def found(setting: Setting, load: float, policy: str) -> dict[str, list[float]]:
            return over_seeds(lambda seed: figures(path, setting, policy, load, seed, duration_s), seeds)

        return {
            setting: {load: {policy: found(setting, load, policy) for policy in POLICIES} for load in LOADS}
            for setting in SETTINGS
        }


def tables(found: Found) -> tuple[list[str], dict[str, Any]]:
    """Return batch sizes and the shares in time, and their numbers."""
    columns = " | ".join([*POLICIES, *(f"deferred - {other}" for other in OTHERS)])
    rule = "|---|--:|" + "--:|" * (len(POLICIES) + len(OTHERS))
    sizes, in_time = (
        [f"{what}:", "", f"| GPUs | load | {columns} |", rule] for what in ("Mean batch size", "In time of all, %")
    )
    numbers: dict[str, Any] = {}
    for setting, loads in found.items():
        for load, policies in loads.items():
            size = {policy: each["mean_batch_size"] for policy, each in policies.items()}
            served = {policy: each["attainment"] for policy, each in policies.items()}
            more = {other: paired_difference(size["deferred"], size[other]) for other in OTHERS}
            better = {other: paired_difference(served["deferred"], served[other]) for other in OTHERS}
            cells = [shown(each, 2) for each in (*map(interval, size.values()), *more.values())]
            sizes.append(f"| {setting} | {load} | {' | '.join(cells)} |")
            cells = [percent(each) for each in (*map(share, served.values()), *better.values())]
            in_time.append(f"| {setting} | {load} | {' | '.join(cells)} |")
            numbers.setdefault(str(setting), {})[str(load)] = {
                "mean_batch_size": {policy: interval(each)._asdict() for policy, each in size.items()},
                "attainment": {policy: share(each)._asdict() for policy, each in served.items()},
                "late_of_finished": {p: share(each["late_of_finished"])._asdict() for p, each in policies.items()},
                "mean_batch_size_deferred_minus": {other: each._asdict() for other, each in more.items()},
                "attainment_deferred_minus": {other: each._asdict() for other, each in better.items()},
            }
    return [*sizes, "", *in_time], numbers


def picture(found: Found) -> str:
    """Draw batch sizes and shares in time against the load."""
    panels = []
    for setting, loads in found.items():
        for title, figure in (("mean batch size", "mean_batch_size"), ("in time, share", "attainment")):
            curves = [(p, curve(LOADS, [interval(loads[load][p][figure]) for load in LOADS])) for p in POLICIES]
            panels.append(Panel(f"{title}: {str(setting).replace('`', '')}", "load", curves))
    return panels_svg(panels, "Deferred, delayed and eager batching")


def main() -> None:
    """Simulate, and write the numbers, the figure and the tables."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=1.5, help="of arrivals, of every run")
    arguments = parser.parse_args()
    found = simulate(arguments.seeds, arguments.duration_s)
    lines, numbers = tables(found)
    lines = [f"{arguments.seeds} seeds of {arguments.duration_s:g} s.", "", *lines]
    numbers = {"seeds": arguments.seeds, "duration_s": arguments.duration_s} | numbers
    publish(arguments, "symphony", lines, numbers, picture(found))


if __name__ == "__main__":
    main()
