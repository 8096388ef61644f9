"""Variants: what a file and flags name, what they are called, and what is refused."""

from pathlib import Path

import pytest

from isim.comparison.variants import variants_of
from isim.errors import ExperimentError

HEAD = 'slo = "20ms"\narrivals = { rate = "100rps", duration = "1s", models = { resnet50 = 1 } }\n'


def named(folder: Path, text: str) -> list[str]:
    (folder / "e.toml").write_text(HEAD + text)
    return [variant.name for variant in variants_of(folder / "e.toml")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('policy = "greedy"', ["greedy"]),
        ('[[variant]]\npolicy = "fcfs"\n[[variant]]\npolicy = "greedy"', ["fcfs", "greedy"]),
        ('policy = "greedy"\n[[variant]]\nconcurrency = [1, 2]', ["concurrency=1", "concurrency=2"]),
        ('policy = "greedy"\nrouter = "round-robin"\n[[variant]]\ngpus = [1, 2]', ["gpus=1", "gpus=2"]),
        ('gpus = 2\n[[variant]]\nrouter = ["round-robin", "by-model"]', ["router=round-robin", "router=by-model"]),
        (
            '[[variant]]\npolicy = ["fcfs", "greedy"]\nconcurrency = [1, 2]',
            [f"{policy}, concurrency={slots}" for policy in ("fcfs", "greedy") for slots in (1, 2)],
        ),
        (
            '[[variant]]\npolicy = "dynamic:max_batch={4,8},max_queue_delay={1ms,2ms}"',
            [f"dynamic:max_batch={size},max_queue_delay={delay}ms" for size in (4, 8) for delay in (1, 2)],
        ),
        (
            '[[variant]]\npolicy = "greedy"\n[[variant]]\npolicy = "greedy"\ncontention = "fair"',
            ["contention=roofline", "contention=fair"],
        ),
        ('[[variant]]\nname = "ours"\npolicy = "greedy"\n[[variant]]\npolicy = "fcfs"', ["ours", "fcfs"]),
        (
            '[[variant]]\nname = "ours"\npolicy = "greedy"\nconcurrency = [1, 2]',
            ["ours, concurrency=1", "ours, concurrency=2"],
        ),
    ],
)  # fmt: skip
def test_names_tell_variants_apart(tmp_path: Path, text: str, names: list[str]) -> None:
    assert named(tmp_path, text) == names


def test_variants_keep_what_is_above_them(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(
        HEAD + 'concurrency = 3\n[[variant]]\npolicy = "greedy"\n[[variant]]\nconcurrency = 1'
    )
    first, second = variants_of(tmp_path / "e.toml", seed=4)
    assert (first.experiment.policy, first.experiment.concurrency, first.experiment.seed) == ("greedy", 3, 4)
    assert (second.experiment.policy, second.experiment.concurrency) != ("greedy", 3)
    assert second.experiment.slo_s == first.experiment.slo_s


def test_files_of_a_variant_lie_beside_the_experiment(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(HEAD + '[[variant]]\npolicy = ["mine.py:Mine", "greedy"]')
    assert [variant.experiment.policy for variant in variants_of(tmp_path / "e.toml")] == [
        f"{tmp_path}/mine.py:Mine",
        "greedy",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("variant = 3", "variant: not a list of tables (found 3); write each as [[variant]]"),
        ('[variant]\npolicy = "greedy"', "variant: not a list of tables"),
        ("[[variant]]\nseed = 3", "variant 1: seed: not for a single variant (found 3); all meet the same requests"),
        ('[[variant]]\nslo = "1ms"', "variant 1: slo: not for a single variant (found '1ms')"),
        ('[[variant]]\npolicy = ""', "variant 1: policy: no value (found ''); write one or more, or remove it"),
        ("[[variant]]\nconcurrency = []", "variant 1: concurrency: no value (found [])"),
        ("[[variant]]\nconcurency = 2", "variant 1: concurency: unknown key"),
        ('[[variant]]\nconcurrency = "two"', "variant 1: concurrency: not a whole number"),
        ('[[variant]]\npolicy = "fcfs"\n[[variant]]\npolicy = "fcfs"', "variant fcfs: given twice (found 2 variants)"),
        ('[[variant]]\npolicy = "fcfs"\nname = 3', "variant 1: name: not text (found 3); write it in quotes"),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        named(tmp_path, text)
    assert said in str(caught.value)


def test_a_flag_does_not_silently_lose_to_a_variant(tmp_path: Path) -> None:
    (tmp_path / "e.toml").write_text(HEAD + "[[variant]]\nconcurrency = 2")
    with pytest.raises(ExperimentError, match="variant 1: concurrency: given as a flag as well"):
        variants_of(tmp_path / "e.toml", concurrency=3)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as caught:
        named(tmp_path, '[[variant]]\nsharing = "no"\n[[variant]]\nconcurrency = 0')
    assert len(caught.value.problems) == 2


def test_a_variant_with_wrong_keys_hides_no_other(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("[[variant]]\nconcurrency = 0\n[[variant]]\npolicy = 'gredy'\n")
    with pytest.raises(ExperimentError) as caught:
        variants_of(path, rate_rps=5.0)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [str(path), "policy gredy"]
