"""Late completions of Clockwork, alone on the GPU and beside other batches.

python docs/studies/clockwork.py --page docs/studies/clockwork.md
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from shapes import TRUTHS, curve, over_seeds, percent, share, shares
from study import NAMES, parser_of, profile_of, publish, serve

from isim.profiler.profile import Profile
from isim.traces.plots.panels import Panel, panels_svg

LOADS = (0.6, 1.0, 1.4)
"""Of what the GPU can do alone in batches of four; in batches of eight it can do 1.16 of that."""
SLO_S, BUFFER_S = 0.025, 0.00125
"""Of every request; the buffer is as much of it as the original's, 5 ms of 100."""
FIGURES = ("late_of_finished", "attainment", "refused")


class Setting(NamedTuple):
    """How batches run, and what Clockwork is given against it."""

    concurrency: int
    truth: str
    noise: float
    """Relative deviation of durations alone."""
    buffer_s: float = 0.0

    def __str__(self) -> str:
        company = f"{self.concurrency} at once, `{self.truth}`" if self.concurrency > 1 else "one at a time"
        noise = f"noise {self.noise:.0%}" if self.noise else "no noise"
        return f"{company}, {noise}" + (", buffer" if self.buffer_s else "")

    @property
    def brief(self) -> str:
        """What tells it from the others in its panel."""
        own = (
            f"{self.concurrency}, {self.truth.partition(':')[0]}" if self.concurrency > 1 else f"noise {self.noise:.0%}"
        )
        return own + (", buffer" if self.buffer_s else "")


SETTINGS = [
    Setting(1, "none", 0.0),
    *(Setting(1, "none", noise, buffer_s) for noise in (0.01, 0.05) for buffer_s in (0.0, BUFFER_S)),
    *(Setting(concurrency, truth, 0.0) for truth in TRUTHS for concurrency in (2, 4)),
    Setting(2, TRUTHS[0], 0.0, BUFFER_S),
]
Found = dict[Setting, dict[float, dict[str, list[float]]]]
"""Each figure at each seed, by setting and load."""


def scattered(path: Path, noise: float) -> Path:
    """Write the profile with durations that scatter; the analytic one says nothing about it."""
    profile = Profile.read(path)
    deviation_ns = np.rint(noise / 1.4826 * profile.table["duration_ns"].to_numpy())
    place = profile.table.column_names.index("duration_mad_ns")
    field = profile.table.schema.field(place)
    table = profile.table.set_column(place, field, [pa.array(deviation_ns, field.type)])
    Profile.from_table(table, profile.footer).write(own := path.with_name(f"{noise}.parquet"))
    return own


def figures(path: Path, setting: Setting, load: float, seed: int, duration_s: float) -> dict[str, float]:
    """Serve all six models, one seed."""
    policy = f"clockwork:buffer_s={setting.buffer_s!r}"
    keys: dict[str, Any] = {"concurrency": setting.concurrency, "contention": setting.truth, "slo": f"{SLO_S}s"}
    return shares(serve(path, NAMES, load, seed, duration_s, policy=policy, noise=setting.noise > 0, **keys))


def simulate(seeds: int, duration_s: float) -> Found:
    """Return the figures of every setting at every load; a seed brings the same requests to all."""
    with profile_of("L4") as path:
        profiles = {noise: scattered(path, noise) for noise in {setting.noise for setting in SETTINGS}}

        def found(setting: Setting, load: float) -> dict[str, list[float]]:
            own = profiles[setting.noise]
            return over_seeds(lambda seed: figures(own, setting, load, seed, duration_s), seeds)

        return {setting: {load: found(setting, load) for load in LOADS} for setting in SETTINGS}


def table(found: Found) -> list[str]:
    """Return a row for every setting and load."""
    lines = [
        "| batches | load | late of finished, % | in time of all, % | refused of all, % |",
        "|---|--:|--:|--:|--:|",
    ]
    for setting, loads in found.items():
        for load, values in loads.items():
            cells = [str(setting), f"{load:.1f}", *(percent(share(values[name])) for name in FIGURES)]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def picture(found: Found) -> str:
    """Draw how many are late against the load."""
    panels = []
    for title, several in (("one at a time", False), ("several at once", True)):
        curves = [
            (setting.brief, curve(LOADS, [share(loads[load]["late_of_finished"]) for load in LOADS]))
            for setting, loads in found.items()
            if (setting.concurrency > 1) is several
        ]
        panels.append(Panel(f"late of finished, share: {title}", "load", curves))
    return panels_svg(panels, "Late completions of Clockwork")


def main() -> None:
    """Simulate, and write the numbers, the figure and the table."""
    parser = parser_of(__doc__)
    parser.add_argument("--duration-s", type=float, default=3.0, help="of arrivals, of every run")
    arguments = parser.parse_args()
    found = simulate(arguments.seeds, arguments.duration_s)
    lines = [f"{arguments.seeds} seeds of {arguments.duration_s:g} s.", "", *table(found)]
    numbers: dict[str, Any] = {"seeds": arguments.seeds, "duration_s": arguments.duration_s}
    for setting, loads in found.items():
        numbers[str(setting)] = {
            str(load): {name: share(values[name])._asdict() for name in FIGURES} for load, values in loads.items()
        }
    publish(arguments, "clockwork", lines, numbers, picture(found))


if __name__ == "__main__":
    main()
