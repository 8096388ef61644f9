import pytest

from isim.errors import ExperimentError
from isim.planning.plan import Part, Plan

EXAMPLE = Plan(
    "nexus",
    (
        Part(0, "a", 160.0, 16, 0.1, 1.0, 0.1),
        Part(1, "a", 80.0, 8, 0.075, 1.0, 0.125),
        Part(1, "b", 32.0, 4, 0.05, 1.0, 0.125),
    ),
)


def test_turns_are_one_slot_and_requests_go_by_planned_rates() -> None:
    assert EXAMPLE.serving_keys() == {
        "gpus": 2,
        "router": "by-model:place=a@0=160/a@1=80/b@1",
        "policy": "planned:batch_sizes=a@16/b@4",
        "sharing": "exclusive",
        "concurrency": 1,
    }
    assert EXAMPLE.notes() == [
        "a: planned batches of 8 on GPU 1; the experiment allows 16, a policy has one size a model"
    ]
    assert [part.busy_share for part in EXAMPLE.parts] == pytest.approx([1.0, 0.6, 0.4])


def test_one_gpu_has_no_router() -> None:
    assert "router" not in Plan("nexus", EXAMPLE.parts[:1]).serving_keys()


def test_parts_are_processes_with_shares() -> None:
    """A model alone on whole GPUs is held to nothing; two halves of the requests are no weights."""
    parts = [Part(gpu, model, 100.0, 8, 0.02, share, None) for gpu, model, share in ((0, "a", 0.4), (0, "b", 0.6))]
    assert Plan("gpulets", tuple(parts)).serving_keys() == {
        "gpus": 1, "policy": "planned:batch_sizes=a@8/b@8", "sharing": "mps:a=0.4,b=0.6", "concurrency": 2,
    }  # fmt: skip
    whole = tuple(Part(gpu, "a", 100.0, 8, 0.02, 1.0, None) for gpu in (0, 1))
    assert Plan("gpulets", whole).serving_keys() == {
        "gpus": 2, "router": "by-model:place=a@0/a@1", "policy": "planned:batch_sizes=a@8", "sharing": "mps",
        "concurrency": 1,
    }  # fmt: skip
    assert parts[0].busy_share == pytest.approx(0.02 / 0.08)


def test_names_that_part_what_a_policy_is_given() -> None:
    parts = [Part(0, model, 1.0, 1, 0.1, 1.0, 0.5) for model in ("org/net", "fine", "a,b", "a=b")]
    with pytest.raises(ExperimentError) as caught:
        Plan("nexus", tuple(parts)).serving_keys()
    assert [problem.split("(")[1].split(")")[0] for problem in caught.value.problems] == [
        "found 'org/net'", "found 'a,b'", "found 'a=b'",
    ]  # fmt: skip
