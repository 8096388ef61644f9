"""The table of `isim compare`."""

import click

from isim.cli.tables import print_table, run_facts
from isim.compare import Comparison
from isim.statistics import Interval

_FIGURES = {
    "attainment": ("SLO attainment", 1.0),
    "goodput_rps": ("goodput, rps", 1.0),
    "throughput_rps": ("throughput, rps", 1.0),
    "latency_mean_s": ("mean latency, ms", 1e3),
    "latency_p50_s": ("latency p50, ms", 1e3),
    "latency_p95_s": ("latency p95, ms", 1e3),
    "latency_p99_s": ("latency p99, ms", 1e3),
    "latency_p99_9_s": ("latency p99.9, ms", 1e3),
    "queueing_mean_s": ("mean queueing, ms", 1e3),
    "service_mean_s": ("mean service, ms", 1e3),
    "interference_mean_s": ("mean interference, ms", 1e3),
    "mean_batch_size": ("requests a batch", 1.0),
    "mean_concurrency": ("concurrency", 1.0),
    "busy_share": ("GPU busy", 1.0),
    "slowdown_p50": ("slowdown p50", 1.0),
    "slowdown_p95": ("slowdown p95", 1.0),
}


def print_comparison(found: Comparison) -> None:
    """Print every figure of all requests together: mean and interval by policy, and the difference to the first."""
    description = found.descriptions[found.policies[0]][0]
    letters = dict(zip(found.policies, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False))
    for name, value in run_facts(description):
        if name not in ("policy", "seed", "simulated"):
            click.echo(f"{name:<12}{value}")
    noise = "on" if description["parameters"]["noise"] else "off"
    last = f" to {found.seeds[-1]}" if len(found.seeds) > 1 else ""
    click.echo(f"{'seeds':<12}{found.seeds[0]}{last}, noise {noise}; the same requests for every policy at a seed")
    if found.note:
        click.echo(f"{'note':<12}{found.note}")
    for policy in found.policies:
        click.echo(f"{'policy ' + letters.get(policy, ''):<12}{policy}")
    first = letters[found.policies[0]]
    rows = []
    for figure, (title, scale) in _FIGURES.items():
        for policy in found.policies:
            difference = found.difference(policy, figure) if policy != found.policies[0] else None
            shown = (*_show(found.interval(policy, figure), scale), *_show(difference, scale, signed=True))
            rows.append([title if policy == found.policies[0] else "", letters.get(policy, policy), *shown])
    single = len(found.policies) == 1
    columns = ["", "policy", "mean", "95 % interval", f"minus {first}", "95 % interval"]
    print_table("", columns[:4] if single else columns, [row[:4] if single else row for row in rows], left=1)


def _show(found: Interval | None, scale: float, signed: bool = False) -> tuple[str, str]:
    if found is None:
        return "", ""
    sign = "+" if signed else ""
    mean = f"{found.mean * scale:{sign}.5g}"
    if found.low is None or found.high is None:
        return mean, ""
    return mean, f"[{found.low * scale:{sign}.5g}, {found.high * scale:{sign}.5g}]"
