"""The tables of `isim evaluate`."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from isim.cli.tables import print_table

_WHEN = {"dispatch": "Asked at dispatch", "hindsight": "Asked with hindsight, all overlaps known"}
_LEARNED = {
    "online": "each batch learned from after its finish",
    "frozen": "as trained",
}


def print_evaluation(found: Mapping[str, Any]) -> None:
    """Print what the batches are like, and the figures of every predictor by moment and learning."""
    source, results = found["source"], found["results"]
    click.echo(f"{'batches':<12}{source['batches']:,} of {source['path']} ({source['origin']})")
    click.echo(
        f"{'slowdown':<12}p50 {source['slowdown_p50']:.3f}, p95 {source['slowdown_p95']:.3f}, "
        f"{100 * source['co_located_share']:.1f} % beside others"
    )
    if (trained_on := found["trained_on"]) is not None:
        click.echo(f"{'trained on':<12}{trained_on['batches']:,} of {trained_on['path']} ({trained_on['origin']})")
    if found["split"] is not None:
        tested = results[0]["batches"]
        click.echo(f"{'split':<12}by {found['split']}: {tested:,} batches tested, each without what it trained on")
    for learning, moment in dict.fromkeys((each["learning"], each["moment"]) for each in results):
        own = [each for each in results if (each["learning"], each["moment"]) == (learning, moment)]
        _print_errors(f"{_WHEN[moment]}; {_LEARNED[learning]}", own)
    _print_recovery([each for each in results if each.get("recovery", {}).get("new_models")])


def _print_errors(title: str, results: Sequence[Mapping[str, Any]]) -> None:
    columns = ["predictor", "MSE", "95 % interval", "of the first", "95 % interval", "MSE/\nvar.", "MAE", "MAPE\n%"]
    columns += ["> 10 %\n%", "> 20 %\n%", "> 60 %\n%", "bias", "under\n%", "short-\nfall", "within\n%", "width"]
    columns += ["predict\nus", "learn\nus"]
    rows = []
    for each in results:
        ratio = each.get("mse_over_first")
        rows.append([
            each["predictor"],
            f"{each['mse']:.4g}", _interval(each["mse_interval"]),
            "" if ratio is None else f"{ratio['ratio']:.3f}",
            "" if ratio is None else _interval([ratio["low"], ratio["high"]]),
            _number(each["mse_over_variance"], 3), _number(each["mae"], 4), _percent(each["mape"]),
            *(_percent(each[f"relative_error_above_{large}_share"]) for large in ("0.1", "0.2", "0.6")),
            f"{each['bias']:+.4f}", _percent(each["under_prediction_share"]), _number(each["shortfall_mean"], 3),
            _percent(each["interval_coverage"]), _number(each["interval_width_mean"], 3),
            _number(each["predict_us_p50"], 1), _number(each["learn_us_p50"], 1),
        ])  # fmt: skip
    print_table(title, columns, rows)


def _print_recovery(results: Sequence[Mapping[str, Any]]) -> None:
    if not results:
        return
    print_table(
        "After a new model appears: until errors are what they were before, median",
        ["predictor", "new models", "recovered", "batches", "seconds"],
        (
            [
                each["predictor"],
                str(found["new_models"]),
                str(found["recovered_models"]),
                _number(found["recovery_batches_p50"], 0),
                _number(found["recovery_s_p50"], 3),
            ]
            for each in results
            for found in [each["recovery"]]
        ),
    )


def _interval(ends: Sequence[float]) -> str:
    return f"[{ends[0]:.4g}, {ends[1]:.4g}]"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
