"""A comparison as the document `compare.json`; docs/compare.md explains every key."""

from collections.abc import Mapping
from typing import Any

from isim.comparison.comparison import Comparison, figures_of
from isim.comparison.pairs import HIGHER_IS_BETTER
from isim.comparison.switches import oracles, switches
from isim.statistics import Interval

SCHEMA_VERSION = "1"


def document(found: Comparison) -> dict[str, Any]:
    """Return everything that a comparison found."""
    first = {variant: found.descriptions[variant][0] for variant in found.variants}
    baseline = first[found.variants[0]]
    models = list(dict.fromkeys(model for of in found.figures.values() for each in of for model in each["models"]))
    shared = shared_parameters(first)
    return {
        "schema": SCHEMA_VERSION,
        "kind": "comparison",
        "seeds": list(found.seeds),
        "replications": len(found.seeds),
        "notes": list(found.notes),
        "baseline": found.variants[0],
        "by": found.by,
        "provenance": baseline["provenance"],
        "versions": baseline["versions"],
        "parameters": shared,
        "inputs": _inputs(found),
        "warm_up": {
            "end_s": dict(zip(map(str, found.seeds), found.warm_up_s, strict=True)),
            "no_steady_state": {variant: list(seeds) for variant, seeds in found.unsteady.items()},
        },
        "variants": {
            variant: {
                "folder": found.folders.get(variant),
                **variant_json(of, shared),
                "total": _figures(found, variant, None),
                "models": {model: _figures(found, variant, model) for model in models},
            }
            for variant, of in first.items()
        },
        "ranking": [each._asdict() for each in found.ranking()],
        "differences": [pair.to_json() for pair in found.pairs()],
        "switches": effects(found),
        "regret": regret(found),
    }


def effects(found: Comparison) -> list[dict[str, Any]]:
    """Return what each switch is worth: the ranking figure with it on minus with it off."""
    first = {variant: found.descriptions[variant][0] for variant in found.variants}
    return [
        {**switch._asdict(), **interval_json(found.difference(switch.on, found.by, other=switch.off))}
        for switch in switches(first)
    ]


def regret(found: Comparison) -> list[dict[str, Any]]:
    """Return how much worse each variant is than the one with the oracle for predictor; negative where better."""
    first = {variant: found.descriptions[variant][0] for variant in found.variants}
    pairs = [
        (variant, oracle, (oracle, variant) if found.by in HIGHER_IS_BETTER else (variant, oracle))
        for variant, oracle in oracles(first).items()
    ]
    return [
        {"variant": variant, "oracle": oracle, **interval_json(found.difference(more, found.by, other=less))}
        for variant, oracle, (more, less) in pairs
    ]


def shared_parameters(descriptions: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parameters that all variants have in common."""
    first, *others = [description["parameters"] for description in descriptions.values()]
    return {key: first[key] for key in first if key != "seed" and all(each.get(key) == first[key] for each in others)}


def variant_json(description: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is a variant's own: parameters that are not shared, what they built, and files of its own."""
    return {
        "parameters": {
            key: each for key, each in description["parameters"].items() if key not in shared and key != "seed"
        },
        **{key: description[key] for key in ("policy", "predictor", "contention", "sharing") if key in description},
        "inputs": {key: each for key, each in description["inputs"].items() if key not in ("profile", "trace")},
    }


def interval_json(found: Interval | None) -> dict[str, Any]:
    """Return a mean and the ends of its interval; null where there is none."""
    if found is None:
        return {"mean": None, "ci95": None}
    return {"mean": found.mean, "ci95": None if found.low is None else [found.low, found.high]}


def _inputs(found: Comparison) -> dict[str, Any]:
    """Return what all variants read: one profile, and at each seed the same requests."""
    described = [each["inputs"] for each in found.descriptions[found.variants[0]]]
    traces = dict(zip(map(str, found.seeds), (each["trace"] for each in described), strict=True))
    return {
        "profile": described[0]["profile"],
        "requests": {
            seed: None if trace is None else {key: trace[key] for key in trace if key != "own_slo"}
            for seed, trace in traces.items()
        },
    }


def _figures(found: Comparison, variant: str, model: str | None) -> dict[str, Any]:
    names = dict.fromkeys(name for each in found.figures[variant] for name in figures_of(each, model))
    document = {}
    for figure in names:
        change = interval_json(found.difference(variant, figure, model))
        document[figure] = {
            **interval_json(found.interval(variant, figure, model)),
            "minus_baseline": change["mean"],
            "minus_baseline_ci95": change["ci95"],
            "values": [figures_of(each, model).get(figure) for each in found.figures[variant]],
        }
    return document
