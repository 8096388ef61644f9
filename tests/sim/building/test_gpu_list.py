"""Another number of GPUs in place of ones that name profiles."""

from pathlib import Path

import pytest

from isim.comparison.variants import variants_of
from isim.errors import ExperimentError
from isim.experiment import Experiment

REST = 'arrivals = { rate = "100rps", duration = "1s", models = { resnet50 = 1 } }\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "e.toml"


def test_a_number_of_gpus_keeps_the_profile_of_the_file(file: Path) -> None:
    file.write_text('gpus = "2xanalytic:T4"\n' + REST)
    assert Experiment.from_flags(file, gpus="4").gpu_profiles == ("analytic:T4",) * 4
    file.write_text('gpus = "T4.parquet,T4.parquet"\n' + REST)
    assert Experiment.from_flags(file, gpus="3").gpu_profiles == (str(file.parent / "T4.parquet"),) * 3
    file.write_text('gpus = "2xanalytic:T4"\nprofile = "analytic:T4"\n' + REST)
    assert Experiment.from_flags(file, gpus="4").gpu_profiles == ("analytic:T4",) * 4


def test_flags_that_name_profiles_take_their_place(file: Path) -> None:
    file.write_text('gpus = "2xanalytic:T4,analytic:L4"\n' + REST)
    assert Experiment.from_flags(file, gpus="2xanalytic:V100").gpu_profiles == ("analytic:V100",) * 2
    assert Experiment.from_flags(file, gpus="4", profile="analytic:V100").gpu_profiles == ("analytic:V100",) * 4


def test_a_number_of_several_kinds_is_refused(file: Path) -> None:
    file.write_text('gpus = "2xanalytic:T4,analytic:L4"\nseed = -1\n' + REST)
    with pytest.raises(ExperimentError) as caught:
        Experiment.from_flags(file, gpus="4")
    one, other = caught.value.problems
    assert one == (
        f"{file}: --gpus: a number, and those of the file are of several profiles (found 4, in place of "
        "2xanalytic:T4,1xanalytic:L4); write how many of each, such as 4xanalytic:T4,4xanalytic:L4"
    )
    assert "seed" in other


def test_a_variant_with_a_number_keeps_the_profile_too(file: Path) -> None:
    file.write_text('gpus = "2xanalytic:T4"\n' + REST + "[[variant]]\ngpus = [1, 4]\n")
    found = [each.experiment.gpu_profiles for each in variants_of(file)]
    assert found == [("analytic:T4",), ("analytic:T4",) * 4]
    file.write_text('gpus = "2xanalytic:T4,analytic:L4"\n' + REST + "[[variant]]\ngpus = 4\n")
    with pytest.raises(ExperimentError, match=r"variant 1: gpus: a number, and those of the file are of several"):
        variants_of(file)
