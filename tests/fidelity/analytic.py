"""Compare analytic profiles of a V100 in FP32 with what others measured on one; prints Markdown tables."""

import argparse
import csv
from collections import Counter
from pathlib import Path

from isim.profiler.device.analytic import analytic_profile
from isim.profiler.importers.kernel_table import read_kernel_table

VIT_COLUMNS = {"name": "kernel", "duration": "duration_us", "segment": "segment", "repeats": "segment_repeats"}
ORION_COLUMNS = {"name": "Name", "duration": "Duration"}
CLASSES = ("matrix products", "attention", "layer norm", "everything else")


def kernel_class(name: str) -> str:
    """Name the class of a kernel: of a measured one by what its library calls it, of an analytic one by its layer."""
    if "fmha" in name or "attention" in name:
        return "attention"
    if "layer_norm" in name or "norm" in name.rpartition(".")[2]:
        return "layer norm"
    products = (
        "sgemm",
        "scudnn",
        "conv",
        "Conv",
        "patches",
        "project",
        "classifier",
        "qkv",
        "out",
        "expand",
        "contract",
    )
    return "matrix products" if any(word in name for word in products) else "everything else"


def classes_us(kernels: list[tuple[str, int]]) -> tuple[Counter[str], Counter[str]]:
    """Return the time in us and the number of kernels of each class."""
    times: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for name, duration_ns in kernels:
        times[kernel_class(name)] += duration_ns
        counts[kernel_class(name)] += 1
    return Counter({name: round(time / 1e3) for name, time in times.items()}), counts


def kernels_table(data: Path) -> list[str]:
    """Compare kernels with kernels: ViT-B/16 and ResNet-50 as PyTorch ran them."""
    lines = [
        "| network, batch | kernels | measured | analytic | measured µs | analytic µs | ratio |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    folder = data / "gpu" / "v100-kace" / "kernels"
    tables = [
        ("ViT-B/16", "vit_b_16", 2, folder / "vit-base-patch16-224_batch2-inf.csv", VIT_COLUMNS, "us"),
        ("ViT-B/16", "vit_b_16", 8, folder / "vit-base-patch16-224_batch8-inf.csv", VIT_COLUMNS, "us"),
        ("ViT-B/16", "vit_b_16", 16, folder / "vit-base-patch16-224_batch16-inf.csv", VIT_COLUMNS, "us"),
        ("ResNet-50", "resnet50", 4, data / "gpu" / "v100-orion" / "resnet50_4_fwd.csv", ORION_COLUMNS, "ns"),
    ]
    for title, model, batch_size, path, columns, unit in tables:
        table = read_kernel_table(path, model, batch_size, columns=columns, duration_unit=unit)
        measured_us, measured = classes_us([(row["name"], row["duration_ns"]) for row in table.rows])
        profile = analytic_profile("V100", [model], [batch_size], precision="fp32")
        rows = profile.operations(model, batch_size).to_pylist()
        analytic_us, analytic = classes_us(
            [(row["name"], row["duration_ns"]) for row in rows if row["kind"] == "kernel"]
        )
        for name in [*(name for name in CLASSES if measured[name] or analytic[name]), "all"]:
            cells = (
                (sum(counter.values()) if name == "all" else counter[name])
                for counter in (measured, analytic, measured_us, analytic_us)
            )
            kernels, estimated, time_us, estimate_us = cells
            ratio = f"{estimate_us / time_us:.2f}" if time_us else "-"
            lines.append(
                f"| {title}, {batch_size} | {name} | {kernels} | {estimated} | {time_us} | {estimate_us} | {ratio} |"
            )
    return lines


def batches_table(data: Path) -> list[str]:
    """Compare batches with batches: ResNet-50 and VGG-19 as TensorRT ran them, copies included."""
    measured_ms: dict[tuple[str, int], tuple[float, str]] = {}
    with (data / "gpu" / "v100-igniter" / "solo.csv").open() as lines:
        for line in csv.DictReader(lines):
            if line["mps_percent"] in ("80", "100"):  # of these, the larger is read last
                key = line["model"], int(line["batch"])
                measured_ms[key] = float(line["latency_ms"]), line["mps_percent"]
    table = ["| network, batch | SMs used | measured ms | analytic ms | ratio |", "|---|--:|--:|--:|--:|"]
    for title, model in (("ResNet-50", "resnet50"), ("VGG-19", "vgg19")):
        sizes = (1, 2, 4, 8, 16, 32)
        profile = analytic_profile("V100", [model], sizes, precision="fp32")
        for size in sizes:
            (time_ms, percent), estimate_ms = measured_ms[model, size], profile.solo_ns(model, size) / 1e6
            ratio = estimate_ms / time_ms
            table.append(f"| {title}, {size} | {percent} % | {time_ms:.2f} | {estimate_ms:.2f} | {ratio:.2f} |")
    return table


def gains_table() -> list[str]:
    """Show how far batching raises the analytic throughput of every network on every GPU."""
    from isim.profiler.device.gpus import gpu_names
    from isim.profiler.networks.registry import network_names

    requests = [(name, name, 128) for name in network_names()] + [("roberta_b, 512 tokens", "roberta_b", 512)]
    table = [f"| network | {' | '.join(gpu_names())} |", "|---|" + "--:|" * len(gpu_names())]
    for title, model, sequence_length in requests:
        gains = []
        for gpu in gpu_names():
            profile = analytic_profile(gpu, [model], [1, 8], sequence_length)
            gains.append(f"{8 * profile.solo_ns(model, 1) / profile.solo_ns(model, 8) - 1:+.0%}".replace("%", " %"))
        table.append(f"| {title} | {' | '.join(gains)} |")
    return table


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the measurements")
    folder = parser.parse_args().data
    print("\n".join([*kernels_table(folder), "", *batches_table(folder), "", *gains_table()]))
