"""Capacities as the document `compare.json`; docs/compare.md explains every key."""

from collections.abc import Sequence
from typing import Any

from isim.comparison.axis import WORDS
from isim.comparison.capacity import Capacity, Figures
from isim.comparison.document import SCHEMA_VERSION, interval_json, shared_parameters, variant_json
from isim.comparison.pairs import RANKING
from isim.comparison.ranges import in_range
from isim.statistics import interval


def document(found: Capacity) -> dict[str, Any]:
    """Return everything that a search of capacities found."""
    baseline = found.descriptions[found.variants[0]]
    shared = shared_parameters(found.descriptions)
    words = WORDS[found.axis.name]
    return {
        "schema": SCHEMA_VERSION,
        "kind": "capacity",
        "seeds": list(found.seeds),
        "replications": len(found.seeds),
        "notes": list(found.notes),
        "baseline": found.variants[0],
        "requirement": str(found.requirement),
        "over": found.axis.name,
        **({"rate_rps": found.axis.value(0)} if found.axis.name == "load" else {}),
        "provenance": baseline["provenance"],
        "versions": baseline["versions"],
        "parameters": shared,
        "inputs": {"profile": baseline["inputs"]["profile"], "requests_as_written": baseline["inputs"]["trace"]},
        "variants": {
            variant: {
                **variant_json(of, shared),
                words.figure: {
                    **interval_json(found.interval(variant)),
                    "minus_baseline": found.difference(variant).mean,
                    "minus_baseline_ci95": interval_json(found.difference(variant))["ci95"],
                    "values": list(found.sustained[variant]),
                },
                "curve": [
                    {words.point: at, **{name: _over(of_step, name) for name in RANKING}}
                    for at, of_step in found.curves[variant].items()
                ],
            }
            for variant, of in found.descriptions.items()
        },
        "ranking": [each._asdict() for each in found.ranking()],
        "differences": [pair.to_json() for pair in found.pairs()],
    }


def _over(of_step: Sequence[Figures], name: str) -> dict[str, Any]:
    values = [each[name] for each in of_step if each[name] is not None]
    return interval_json(in_range(interval(values), name) if values and len(values) == len(of_step) else None)
