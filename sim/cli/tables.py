"""The tables that answer on standard output; never narrower than what they hold."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from isim.run import Run
from isim.units import format_seconds

_PERCENTILES = {"p50": "p50", "p90": "p90", "p95": "p95", "p99": "p99", "p99_9": "p99.9"}
_OUTCOMES = ("on_time", "late", "rejected", "dropped", "unfinished")
_PARTS = {"latency": "latency", "queueing": "  queueing", "service": "  service", "interference": "  interference"}


def print_json(run: Run) -> None:
    """Print all that is known of a run as one JSON document."""
    click.echo(json.dumps({**run.description, "folder": str(run.folder)}, indent=2, sort_keys=True))


def print_run(run: Run) -> None:
    """Print what ran, and its figures by model and in total."""
    figures = {**run.summary["models"], "total": run.summary["total"]}
    for name, value in run_facts(run.description):
        click.echo(f"{name:<12}{value}")
    _print_outcomes(run, figures)
    _print_latency(figures)
    _print_batches(figures)


def _print_outcomes(run: Run, figures: Mapping[str, Any]) -> None:
    counted = {name: name.replace("_", " ") for name in ("requests", *_OUTCOMES)}
    print_table(
        "Outcomes",
        ["model", "SLO", *counted.values(), "attainment", "goodput rps"],
        (
            [model, "-" if model == "total" else _slo(run, model)]
            + [f"{f[name]:,}" for name in counted]
            + [_fixed(f["attainment"], 4), _significant(f["goodput_rps"])]
            for model, f in figures.items()
        ),
    )


def _slo(run: Run, model: str) -> str:
    slo_s = run.description["parameters"]["slo_s"]
    objective_s = slo_s.get(model, slo_s.get("*"))
    if (own := run.own_slo.get(model)) is not None:
        if own["least_s"] != own["most_s"] or own["requests"] < run.summary["models"][model]["requests"]:
            return "per request"
        objective_s = own["least_s"]
    return format_seconds(objective_s) if objective_s else "-"


def _print_latency(figures: Mapping[str, Any]) -> None:
    print_table(
        "Latency of finished requests in ms: queueing + service (alone on the GPU) + interference",
        ["model", "", "mean", *_PERCENTILES.values()],
        (
            [model if part == "latency" else "", title]
            + [_significant(f[f"{part}_{key}_s"], 1e3) for key in ("mean", *_PERCENTILES)]
            for model, f in figures.items()
            for part, title in _PARTS.items()
        ),
        left=1,
    )


def _print_batches(figures: Mapping[str, Any]) -> None:
    slowdowns = {f"{name}_{key}": key for name in ("slowdown", "kernel_slowdown") for key in ("p50", "p95", "max")}
    print_table(
        "Batches; slowdown by co-runners, of whole batches and of their kernels alone",
        ["model", "batches", "requests\na batch", "concur-\nrency", "GPU\nbusy"]
        + [f"{'kernel' if name.startswith('kernel') else 'slowdown'}\n{key}" for name, key in slowdowns.items()],
        (
            [model, f"{f['batches']:,}"]
            + [_fixed(f[name], 2) for name in ("mean_batch_size", "mean_concurrency")]
            + [_fixed(f[name], 3) for name in ("busy_share", *slowdowns)]
            for model, f in figures.items()
        ),
    )


def run_facts(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a run was made of, a name and a line each."""
    parameters, ending = description["parameters"], description["ending"]
    contention, device = description["contention"], description["inputs"]["profile"]["device"]
    gpu = f", {device['name']}" if isinstance(device, dict) and device.get("name") else ""
    facts = [
        ("profile", f"{parameters['profile']} ({description['provenance']}{gpu})"),
        *_fleet(description),
        ("requests", _source(parameters)),
        ("policy", parameters["policy"]),
        *([] if parameters.get("predictor") is None else [("predictor", parameters["predictor"])]),
        ("sharing", f"{parameters['sharing']}, concurrency {parameters['concurrency']}"),
        ("contention", f"{parameters['contention']} ({contention['note']})"),
        ("seed", f"{description['seed']}, noise {'on' if parameters['noise'] else 'off'}"),
    ]
    horizon = f" of {format_seconds(parameters['horizon_s'])}" if parameters["horizon_s"] is not None else ""
    boundaries = f"{ending['kernel_boundaries']:,} kernel boundaries"
    return [*facts, ("simulated", f"{_significant(ending['end_s'])} s{horizon}, {boundaries}")]


def _fleet(description: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the GPUs and their router, if there are several."""
    if "router" not in description:
        return []
    parameters = description["parameters"]
    return [("GPUs", str(parameters["gpus"])), ("router", parameters["router"])]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 0) -> None:
    """Print a table on standard output, whole: what does not fit is left to the terminal to wrap.

    Parameters
    ----------
    title
        What stands above it; may be empty.
    columns, rows
        A line is drawn before the row called `total`. The first column is flush left, the others flush right.
    left
        How many further columns are flush left.

    Examples
    --------
    >>> print_table("", ["model", "requests"], [["bert", "5"]])
    model  requests
    ───────────────
    bert          5
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 0, 0, 1), pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number <= left else "right", no_wrap=True)
    held = [list(row) for row in rows]
    for row, following in zip(held, [*held[1:], [""]], strict=True):
        table.add_row(*row, end_section=following[0] == "total")
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max(console.width, console.measure(table, options=console.options.update(width=10_000)).maximum)
    if title:
        console.print(f"\n{title}", style="bold", soft_wrap=True)
    console.print(table)


def print_list(rows: list[dict[str, Any]]) -> None:
    """Print rows of equal keys: plug-ins as paragraphs, facts as a table."""
    if "parameters" in rows[0] and isinstance(rows[0]["parameters"], dict):
        for row in rows:
            click.echo(f"{row['name']}\n    {row['summary']}")
            for name, default in row["parameters"].items():
                click.echo(f"    {name} (required)" if default == "required" else f"    {name} = {default}")
        return
    texts = sum(isinstance(value, str) for value in rows[0].values())
    print_table("", list(rows[0]), ([_fact(value) for value in row.values()] for row in rows), left=texts - 1)


def _fact(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def _source(parameters: Mapping[str, Any]) -> str:
    if parameters["trace"] is not None:
        return str(parameters["trace"])
    if (arrivals := parameters["arrivals"]) is not None:
        senders = {"": arrivals} if arrivals["tenants"] is None else arrivals["tenants"]
        rates = [
            f"{name}{': ' if name else ''}{sender['process']}"
            + ("" if sender["rate_rps"] is None else f" at {sender['rate_rps']:g} rps")
            for name, sender in senders.items()
        ]
        at_once = arrivals["process"].startswith("mlperf-offline")
        return ", ".join(rates) + ("" if at_once else f" for {format_seconds(arrivals['duration_s'])}")
    clients = parameters["clients"]
    each = "" if clients["requests_per_client"] is None else f", {clients['requests_per_client']} requests each"
    lasting = "" if clients["duration_s"] is None else f", for {format_seconds(clients['duration_s'])}"
    counts = ", ".join(f"{count} of {model}" for model, count in clients["models"].items())
    law = "exponential " if clients["think_law"] == "exponential" else ""
    return f"clients: {counts}; {law}think time {format_seconds(clients['think_s'])}{each}{lasting}"


def _fixed(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _significant(value: float | None, scale: float = 1.0) -> str:
    """Write three digits or more, without an exponent where people would not."""
    if value is None:
        return "-"
    value = round(value, 9) * scale + 0.0  # times below a nanosecond are rounding, also those below zero
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 or value == 0 else f"{value:#.3g}"
