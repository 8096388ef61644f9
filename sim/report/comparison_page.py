"""The page of a comparison, or of a search of capacities, from what `compare.json` says."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from isim.comparison.axis import WORDS
from isim.errors import RunError
from isim.report.chart import Chart, intervals, lines
from isim.report.page import page, table
from isim.report.thin import Curve, cdf
from isim.run import read_table

_SHOWN = {
    "attainment": ("SLO attainment", 1.0),
    "goodput_rps": ("goodput, rps", 1.0),
    "latency_p50_s": ("median latency, ms", 1e3),
    "latency_p90_s": ("latency p90, ms", 1e3),
    "latency_p99_s": ("latency p99, ms", 1e3),
    "rejected": ("rejected", 1.0),
    "dropped": ("dropped", 1.0),
}


def read_comparison(folder: Path) -> dict[str, Any]:
    """Return what `compare.json` of a folder says.

    Raises
    ------
    RunError
        It cannot be read, or is of another version.
    """
    path = folder / "compare.json"
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path}: cannot be read ({error.strerror}); correct its permissions") from None
    except ValueError as error:
        raise RunError(f"{path}: not JSON ({error}); compare again") from None
    kind = found.get("kind") if isinstance(found, dict) else None
    if kind not in ("comparison", "capacity") or found.get("schema") != "1" or "variants" not in found:
        raise RunError(f"{path}: a comparison of another version (kind {kind!r}); compare again")
    found.setdefault("over", "load")
    return found


def comparison_page(folder: Path, title: str) -> str:
    """Return the page of what `isim compare -o` wrote as HTML.

    Raises
    ------
    RunError
        It cannot be read.
    """
    found = read_comparison(folder)
    search = found["kind"] == "capacity"
    tables = [_capacities(found) if search else _ranking(found)]
    charts = list(_load_charts(found) if search else _comparison_charts(found, folder))
    what = "Capacities" if search else "Comparison"
    subtitle = f"{what} of isim: {len(found['variants'])} variants, {found['replications']} replications"
    return page(title, subtitle, found["notes"], _facts(found), [], tables, charts)


def _facts(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what all variants have in common."""
    shared = found["parameters"]
    yield "profile", f"{shared['profile']} ({found['provenance']})"
    if (arrivals := shared.get("arrivals")) is not None:
        senders = arrivals["tenants"] or {"": arrivals}
        rates = (f"{name} {each['process']} at {each['rate_rps']} rps".strip() for name, each in senders.items())
        yield "requests", f"{', '.join(rates)} for {arrivals['duration_s']:g} s"
    elif shared.get("clients") is not None:
        yield (
            "requests",
            "clients: " + ", ".join(f"{each} of {name}" for name, each in shared["clients"]["models"].items()),
        )
    else:
        yield "requests", str(shared.get("trace"))
    for name in ("policy", "predictor", "sharing", "concurrency", "contention", "noise", "horizon_s"):
        if shared.get(name) is not None:
            yield name, str(shared[name])
    yield "seeds", ", ".join(map(str, found["seeds"]))


def _letters(found: Mapping[str, Any]) -> dict[str, str]:
    """Return short names, from the best on: numbers where letters run out."""
    order = [each["variant"] for each in found["ranking"]]
    return {variant: chr(ord("A") + place) if place < 26 else str(place + 1) for place, variant in enumerate(order)}


def _losers(found: Mapping[str, Any], ranked: Mapping[str, Any]) -> str:
    letters = _letters(found)
    return ", ".join(sorted(letters[loser] for loser in ranked["better_than"])) or "none"


def _lettered(found: Mapping[str, Any], variant: str) -> str:
    return f"{_letters(found)[variant]}  {variant}" if variant in _letters(found) else variant


def _ranking(found: Mapping[str, Any]) -> str:
    names = list(dict.fromkeys((found["by"], *_SHOWN)))
    rows = [
        [
            _lettered(found, each["variant"]),
            str(each["rank"]),
            _losers(found, each),
            *(_figure(found, each["variant"], name) for name in names),
        ]
        for each in found["ranking"]
    ]
    titles = [_SHOWN.get(name, (name, 1.0))[0] for name in names]
    return table(f"Ranked by {titles[0]}", ["variant", "rank", "really better than", *titles], rows)


def _capacities(found: Mapping[str, Any]) -> str:
    words = WORDS[found["over"]]
    rows = [
        [
            _lettered(found, each["variant"]),
            str(each["rank"]),
            _said(found["variants"][each["variant"]][words.figure], 1.0),
            _losers(found, each),
        ]
        for each in found["ranking"]
    ]
    columns = ["variant", "rank", words.column, f"really {words.really} than"]
    return table(f"{words.found} with {found['requirement']}", columns, rows)


def _comparison_charts(found: Mapping[str, Any], folder: Path) -> Iterator[Chart]:
    order = [each["variant"] for each in found["ranking"]] or list(found["variants"])
    for name in dict.fromkeys((found["by"], "attainment", "goodput_rps", "latency_p99_s")):
        title, scale = _SHOWN.get(name, (name, 1.0))
        rows = [_row(variant, found["variants"][variant]["total"][name], scale) for variant in order]
        yield intervals(title, title, rows, "Mean, its 95 % interval, and every replication.")
    if found["differences"]:
        title, scale = _SHOWN.get(found["by"], (found["by"], 1.0))
        yield intervals(
            f"Differences of {title}", f"{title}, first minus second", _pair_rows(found, scale),
            "Paired by replication; grey where not real (p, corrected for all pairs, is not below 0.05).", zero=True,
        )  # fmt: skip
    for key, title in (("switches", "What switches are worth"), ("regret", "Regret against the oracle")):
        if found[key]:
            rows = [
                {"name": each.get("name") or each["variant"], "mean": each["mean"], "ci95": each["ci95"]}
                for each in found[key]
            ]
            yield intervals(title, found["by"], rows, zero=True)
    if curves := _latencies(found, folder, order):
        yield lines(
            "Latency", "latency, ms", "share of finished requests", curves,
            "All replications together, warm-up included.", log_x=True, top=1.0,
        )  # fmt: skip


def _load_charts(found: Mapping[str, Any]) -> Iterator[Chart]:
    order = [each["variant"] for each in found["ranking"]]
    words = WORDS[found["over"]]
    title, note = words.capacity, f"{words.found} with {found['requirement']}."
    rows = [_row(variant, found["variants"][variant][words.figure], 1.0) for variant in order]
    yield intervals(title[0].upper() + title[1:], words.unit, rows, note)
    if found["differences"]:
        note = "Paired by replication; grey where not real (p, corrected for all pairs, is not below 0.05)."
        rows = _pair_rows(found, 1.0)
        yield intervals(f"Differences of {title}", f"{words.unit}, first minus second", rows, note, zero=True)
    for name, title, scale, top in (
        ("attainment", f"SLO attainment {words.over}", 1.0, 1.0),
        ("goodput_rps", f"Goodput {words.over}, rps", 1.0, 0.0),
        ("latency_p99_s", f"p99 latency {words.over}, ms", 1e3, 0.0),
    ):
        series, bands = [], []
        for variant in order:
            points = found["variants"][variant]["curve"]
            means = [_scaled(each[name]["mean"], scale) for each in points]
            series.append((variant, Curve([each[words.point] for each in points], means)))
            bands.append([[_scaled(end, scale) for end in each[name]["ci95"] or (None, None)] for each in points])
        yield lines(
            title, words.axis, "", series, "Mean over replications and its 95 % interval.", top=top, bands=bands
        )


def _latencies(found: Mapping[str, Any], folder: Path, order: list[str]) -> list[tuple[str, Curve]]:
    curves = []
    for variant in order:
        name = found["variants"][variant]["folder"]
        paths = sorted((folder / name).glob("seed-*/requests.parquet")) if name else []
        columns = [np.asarray(read_table(path, ["latency_s"])["latency_s"].to_numpy()) for path in paths]
        if columns:
            latency_s = np.concatenate(columns)
            curves.append((variant, cdf(latency_s[~np.isnan(latency_s)] * 1e3)))
    return curves


def _row(name: str, figure: Mapping[str, Any], scale: float) -> dict[str, Any]:
    ends = figure["ci95"] and [_scaled(end, scale) for end in figure["ci95"]]
    values = [_scaled(each, scale) for each in figure["values"]]
    return {"name": name, "mean": _scaled(figure["mean"], scale), "ci95": ends, "values": values}


def _pair_rows(found: Mapping[str, Any], scale: float) -> list[dict[str, Any]]:
    letters = _letters(found)
    return [
        {
            "name": f"{letters[each['variant']]} minus {letters[each['minus']]}",
            "mean": each["mean"] * scale,
            "ci95": each["ci95"] and [end * scale for end in each["ci95"]],
            "strong": each["real"],
            "said": f"{each['variant']}\nminus {each['minus']}"
            + ("" if each["p_holm"] is None else f"\np {each['p']:.3g}, corrected {each['p_holm']:.3g}"),
        }
        for each in found["differences"]
    ]


def _figure(found: Mapping[str, Any], variant: str, name: str) -> str:
    return _said(found["variants"][variant]["total"].get(name), _SHOWN.get(name, (name, 1.0))[1])


def _said(figure: Mapping[str, Any] | None, scale: float) -> str:
    if figure is None or figure["mean"] is None:
        return "-"
    mean = f"{figure['mean'] * scale:.4g}"
    if figure["ci95"] is None:
        return mean
    half = (figure["ci95"][1] - figure["mean"]) * scale
    return f"{mean} ± {half:.0f}" if half >= 100 else f"{mean} ± {half:.2g}"


def _scaled(value: float | None, scale: float) -> float | None:
    return None if value is None else float(f"{value * scale:.6g}")
