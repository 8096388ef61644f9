"""`isim trace fit`: a law for each window."""

import json
from pathlib import Path

import click

from isim.cli.fit_flags import fit_flags
from isim.cli.trace_output import save_rates, written_options


@click.command("fit")
@click.argument("file", type=click.Path(path_type=Path))
@fit_flags
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: every window, every fit.")
@written_options
def command(
    file: Path,
    law: str,
    method: str,
    window_s: float | None,
    by_tenant: bool,
    as_json: bool,
    output: Path,
    force: bool,
    quiet: bool,
) -> None:
    """Fit a law to the gaps of the trace FILE, model by model and window by window; write it as rates.

    Printed is how well it describes the gaps, beside the alternatives: less AIC and less KS distance are better.

    \b
    isim trace fit t.parquet --law gamma --window 10m -o rates.parquet
    """
    from isim.traces.fit.fit import fit
    from isim.traces.fit.goodness import goodness, windows_of
    from isim.traces.trace import Trace

    window_ns = None if window_s is None else round(window_s * 1e9)
    fitted = fit(Trace.read(file), law, method=method, window_ns=window_ns, by_tenant=by_tenant)
    save_rates(fitted.rates, output, force, quiet)
    if as_json:
        click.echo(json.dumps(windows_of(fitted), indent=2))
        return
    from isim.cli.tables import print_table

    columns = ["model", "law", "method", "windows", "gaps", "CV counted", "CV fitted", "KS", "AIC"]
    print_table("", columns, ([_cell(row[name]) for name in row] for row in goodness(fitted)), left=2)


def _cell(value: str | float | None) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
