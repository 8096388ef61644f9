"""How much throughput a larger batch buys: Figure 2 of the seed paper, from profiles and measurements alone.

python docs/studies/throughput_by_batch.py --page docs/studies/throughput_by_batch.md
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from study import MEASURED, NAMES, parser_of, publish

from isim.profiler.device.analytic import analytic_profile
from isim.traces.plots.curves import Curve
from isim.traces.plots.panels import Panel, panels_svg

BATCHES = (1, 2, 4, 8, 16, 32, 64)
TOKENS = (128, 256, 512)
PAPER = {"resnet50": "more than +200 %", "roberta_b": "+26.5 %"}
DRAWN = ("resnet50", "resnet-50", "roberta", "bert", "vgg19", "vit")
Sweep = dict[int, float]  # samples a second, by batch size


def analytic(gpu: str) -> dict[str, Sweep]:
    """Return what a GPU serves of each model if it never waits, copies and launches included."""
    sweeps = {}
    for model in NAMES:
        for tokens in TOKENS if model == "roberta_b" else TOKENS[:1]:
            profile = analytic_profile(gpu, [model], BATCHES, sequence_length=tokens)
            name = f"{model}, {tokens} tokens" if model == "roberta_b" else model
            sweeps[name] = {size: size * 1e9 / profile.solo_ns(model, size) for size in BATCHES}
    return sweeps


def latencies(table: pd.DataFrame, unit_s: float, latency: str) -> dict[str, Sweep]:
    """Return the sweep of each model at the largest share of the SMs at which its smallest and largest batch ran."""
    sweeps = {}
    for model, own in table.groupby("model"):
        measured_at = own.groupby("mps_percent")["batch"].agg(["min", "max"])
        ends = own["batch"].min(), own["batch"].max()
        whole = max(share for share, *found in measured_at.itertuples() if tuple(found) == ends)
        at = own[own["mps_percent"] == whole].sort_values("batch")
        sweeps[f"{model}, {whole} % of the SMs"] = dict(
            zip(at["batch"].tolist(), (at["batch"] / (at[latency] * unit_s)).tolist(), strict=True)
        )
    return sweeps


def kace(folder: Path) -> dict[str, Sweep]:
    """Return the sweep of each workload of inference, at the whole GPU."""
    sweeps: dict[str, Sweep] = {}
    table = pd.read_csv(folder / "solo_throughput_vs_mps.csv")
    for name, rate in zip(table["workload"], table["100"], strict=True):
        model, _, rest = name.rpartition("_batch")
        if rest.endswith("-inf"):
            sweeps.setdefault(model, {})[int(rest.removesuffix("-inf"))] = rate
    return {model: dict(sorted(sweep.items())) for model, sweep in sweeps.items()}


def sources(data: Path) -> dict[str, dict[str, Sweep]]:
    """Return the sweeps of each source: the analytic profile, and what was measured if it is there."""
    found = {"analytic L4, FP16": analytic("L4")}
    if data.is_dir():
        found["V100, TensorRT FP32 (iGniter)"] = latencies(
            pd.read_csv(data / "v100-igniter" / "solo.csv"), 1e-3, "latency_ms"
        )
        found["A100-class, PyTorch (Gpulet)"] = latencies(
            pd.read_csv(data / "a100-gpulet" / "solo.csv"), 1.0, "latency_s"
        )
        found["V100, PyTorch FP32 (KACE)"] = kace(data / "v100-kace")
    return found


def increase(sweep: Sweep, largest: int) -> float | None:
    """Return by how much throughput rises from the smallest batch to one size, as a share; None if not measured."""
    return sweep[largest] / sweep[min(sweep)] - 1.0 if largest in sweep else None


def row(source: str, name: str, sweep: Sweep) -> tuple[str, dict[str, Any]]:
    """Return a row of the table and its numbers."""
    smallest, largest = min(sweep), max(sweep)
    to_8, to_largest = increase(sweep, 8), increase(sweep, largest)
    paper = PAPER.get(name.partition(",")[0], "")
    cells = [name, source, f"{smallest}", "-" if to_8 is None else f"+{100 * to_8:.0f} %"]
    cells += [f"+{100 * (to_largest or 0.0):.0f} % at {largest}", paper]
    numbers = {"throughput_rps": {str(size): rate for size, rate in sweep.items()}, "increase_to_8_ratio": to_8,
               "increase_to_largest_ratio": to_largest, "largest_batch": largest, "paper": paper}  # fmt: skip
    return f"| {' | '.join(cells)} |", numbers


def panel(source: str, sweeps: Mapping[str, Sweep]) -> Panel:
    """Return the curves of some networks of a source, relative to the smallest batch."""
    curves = [
        (name.partition(" of the")[0], Curve(np.log2(list(sweep)), np.array(list(sweep.values())) / sweep[min(sweep)]))
        for name, sweep in sweeps.items()
        if name.startswith(DRAWN)
    ]
    return Panel(f"{source}: throughput, smallest batch 1", "log2 of the batch size", curves)


def main() -> None:
    """Read profiles and measurements, and write the numbers, the figure and the table."""
    parser = parser_of(__doc__, seeds=0)
    parser.add_argument("--data", type=Path, default=MEASURED, help="folder of measurements")
    arguments = parser.parse_args()
    lines = ["| model | source | from batch | to batch 8 | to the largest | paper |", "|---|---|--:|--:|--:|---|"]
    numbers: dict[str, Any] = {}
    panels = []
    for source, sweeps in sources(arguments.data).items():
        for name, sweep in sweeps.items():
            line, numbers[f"{source}: {name}"] = row(source, name, sweep)
            lines.append(line)
        panels.append(panel(source, sweeps))
    publish(arguments, "throughput_by_batch", lines, numbers, panels_svg(panels, "Throughput by batch size, alone"))


if __name__ == "__main__":
    main()
