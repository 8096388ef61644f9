"""Switches and oracles: found in what run.json says, however the specs were written."""

from typing import Any

from isim.comparison.switches import Switch, oracles, switches


def described(policy: dict[str, Any], predictor: str | None = None, **parameters: Any) -> dict[str, Any]:
    return {
        "seed": 0,
        "parameters": {"policy": str(policy), "predictor": predictor, "slo_s": {"*": 0.1}, **parameters},
        "policy": {"name": "Ours", "parameters": policy},
        "contention": {"name": "fair", "parameters": {}},
        "inputs": {"policy": None},
        "summary": {"total": {"late": len(policy)}},
    }


def test_a_switch_is_one_boolean_and_nothing_else() -> None:
    found = switches(
        {
            "all": described({"wait": True, "drop": True, "size": 4}),
            "no wait": described({"drop": True, "size": 4, "wait": False}),
            "neither": described({"wait": False, "drop": False, "size": 4}),
            "larger": described({"wait": True, "drop": True, "size": 8}),
            "number": described({"wait": 1, "drop": True, "size": 8}),
        }
    )
    assert found == [Switch("policy.wait", "all", "no wait"), Switch("policy.drop", "no wait", "neither")]


def test_the_oracle_is_the_same_but_for_the_predictor() -> None:
    found = oracles(
        {
            "rls": described({"z": 1}, "rls:forgetting=0.99"),
            "best": described({"z": 1}, "oracle"),
            "other": described({"z": 2}, "rls"),
            "none": described({"z": 1}),
        }
    )
    assert found == {"rls": "best", "none": "best"}


def test_of_other_gpus_the_oracle_says_nothing() -> None:
    found = oracles({"a": described({}, "mean", concurrency=1), "b": described({}, "oracle", concurrency=2)})
    assert found == {}
