"""The table of `isim validate RUN RECORDED`."""

from typing import Any

import click

from isim.cli.tables import print_table
from isim.validate_run import LATENCIES

_ROWS = {
    **{name: ("latency " + name.removeprefix("latency_").removesuffix("_s") + " ms", 1e3) for name in LATENCIES},
    "attainment": ("SLO attainment %", 100.0),
    "refused": ("refused %", 100.0),
    "throughput_rps": ("throughput rps", 1.0),
}


def print_run_errors(found: dict[str, Any]) -> None:
    """Print every figure simulated, measured and how far apart, by model and in total."""

    def number(value: float | None, scale: float) -> str:
        return "-" if value is None else f"{value * scale:.4g}"

    rows = []
    for model, each in {**found["models"], "total": found["total"]}.items():
        for name, (title, scale) in _ROWS.items():
            figure = each["figures"][name]
            error = figure["error"]
            unit = "points" if name in ("attainment", "refused") else "%"
            said = "-" if error is None else f"{100 * error:+.1f} {unit}"
            title_of = model if name == LATENCIES[0] else ""
            rows.append([title_of, title, number(figure["simulated"], scale), number(figure["measured"], scale), said])
    print_table("Simulated against measured", ["model", "", "simulated", "measured", "error"], rows)
    click.echo(f"\nmean error of the latency figures   {100 * found['mape']:.1f} %")
    if found["request_mape"] is None:
        unlike = "no request has the same id, model and arrival on both sides"
        click.echo(f"one by one                          {unlike}")
        click.echo(f"isim: {unlike}: these may be different requests; compare runs of one trace", err=True)
    else:
        click.echo(
            f"one by one, {found['requests_matched']:,} requests         mean {100 * found['request_mape']:.1f} %, "
            f"p90 {100 * found['request_p90_ape']:.1f} %"
        )
