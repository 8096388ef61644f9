"""Three batches, of which the second meets the first briefly and the third for longer; simulated, and drawn."""

import math
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from isim.evaluation.cases import Case
from isim.evaluation.run_cases import run_cases
from isim.experiment import Experiment
from isim.profiler.profile import Profile
from isim.run import Run
from isim.traces.trace import Trace

BRIEF = 0.2
"""Of the second batch's time alone: how long the first is still there."""
COLOURS = ("#0072b2", "#e69f00", "#009e73")


class Example(NamedTuple):
    """Three batches, of which the second meets the first briefly and the third for longer."""

    run: Run
    case: Case
    """The second batch."""


def example(path: Path, profile: Profile, models: tuple[str, ...], size: int, truth: str) -> Example | None:
    """Simulate three batches; None if the second does not meet the first briefly and the third for longer."""
    first_ns, second_ns = (profile.solo_ns(model, size) for model in models[:2])
    start_ns = first_ns - round(BRIEF * second_ns)
    if start_ns <= 0:
        return None
    trace = Trace.from_columns(arrival_ns=[0, start_ns, start_ns + 1], model=list(models), batch=[size] * 3)
    with TemporaryDirectory() as folder:
        requests = Path(folder) / "trace.parquet"
        trace.write(requests)
        keys: dict[str, Any] = {"profile": str(path), "trace": str(requests), "policy": "fcfs", "contention": truth}
        run = Experiment(concurrency=2, **keys).run()
        cases = run_cases(run)[0].cases
    case = next(case for case in cases if abs(case.dispatched_s - start_ns / 1e9) < 1e-9)
    first, second, third = map(int, run.table("batches")["batch_id"].to_numpy())
    first_s, then_s = (beside_s(run, {second, other}) for other in (first, third))
    return Example(run, case) if 0.0 < first_s < then_s else None


def beside_s(run: Run, pair: set[int]) -> float:
    """Return how long two batches overlapped."""
    rows = run.table("overlaps").to_pylist()
    return math.fsum(row["finish_s"] - row["start_s"] for row in rows if pair <= set(row["batch_ids"]))


def timeline_svg(found: Example, said: Mapping[str, tuple[float, float]]) -> str:
    """Return the three batches over time, and what was said of the second, as an SVG document."""
    table = found.run.table("batches").to_pylist()
    end_s = max(row["finished_s"] for row in table)
    size = 'width="720" height="250" font-family="sans-serif" font-size="12"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>',
             '<rect width="100%" height="100%" fill="white"/>',
             '<text x="20" y="22" font-size="14">The company of batch 2 changes while it runs</text>']  # fmt: skip
    for lane, (row, colour) in enumerate(zip(table, COLOURS, strict=True)):
        x, right = (40 + 640 * row[name] / end_s for name in ("dispatched_s", "finished_s"))
        y = 40 + 34 * lane
        label = f"batch {lane + 1}: {row['model']}, slowdown {row['slowdown']:.2f}"
        end, at = ("end", right - 6) if right > 500 and right - x < 260 else ("start", x + 6)
        box = f'x="{x:.1f}" y="{y}" width="{right - x:.1f}" height="26"'
        parts += [f'<rect {box} fill="{colour}" fill-opacity="0.55"/>',
                  f'<text x="{at:.1f}" y="{y + 18}" text-anchor="{end}">{label}</text>']  # fmt: skip
    parts += [f'<text x="{40 + 640 * part / 4:.1f}" y="156" text-anchor="middle">{1e3 * end_s * part / 4:.2f} ms</text>'
              for part in range(5)]  # fmt: skip
    truth = found.case.observation.slowdown
    parts.append(f'<text x="20" y="180" font-weight="bold">Batch 2 was slowed by {truth:.3f}</text>')
    for place, (name, (early, late)) in enumerate(said.items()):
        words = f"{name.replace(',alpha=', ' ')}: {early:.3f} said at dispatch, {late:.3f} with hindsight"
        parts.append(f'<text x="20" y="{198 + 16 * place}">{words}</text>')
    return "\n".join([*parts, "</svg>", ""])
