"""What sharing modes take, and what is said of what they do not."""

from dataclasses import replace
from typing import Any

import pytest

from isim.errors import ExperimentError
from isim.sharing_modes import Sharing, parse_sharing


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("exclusive:preemption=20us,launch=3us", {"preemption_s": 2e-5, "launch_s": 3e-6}),
        ("streams:preemption=20us,launch=3us", {"preemption_s": 2e-5, "launch_s": 3e-6}),
        ("time-slicing:quantum=1ms,preemption=20us", {"quantum_s": 1e-3, "preemption_s": 2e-5}),
        ("mps:preemption=20us", {"preemption_s": 2e-5}),
        ("mps:a=0.4,preemption=20us,b=0.5", {"shares": {"a": 0.4, "b": 0.5}, "preemption_s": 2e-5}),
    ],
)
def test_every_mode_takes_what_it_charges(text: str, taken: dict[str, Any]) -> None:
    assert parse_sharing(text) == replace(Sharing(text.partition(":")[0]), **taken)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("exclusive:quantum=2ms", "'exclusive' has no parameter (found quantum); it takes preemption and launch"),
        ("time-slicing:launch=3us", "'time-slicing' has no parameter (found launch); it takes quantum and preemption"),
        ("mps:a=2,preemption=0.5", "a: its part of the SMs must be more than 0 and at most 1 (found '2'); write a=0.5"),
        ("mps:a=2,preemption=0.5", "preemption: not a duration (found '0.5')"),
        ("streams:launch=3us,launch=4us", "launch is given twice (found 'launch=4us'); give it once"),
        ("mps:a=0.5,a=0.4", "a is given twice (found 'a=0.4'); give it once"),
        ("streams:launch", "not a parameter (found 'launch'); write streams:preemption=50us"),
        ("mps:launch=3us", "launch: its part of the SMs must be more than 0 and at most 1 (found '3us')"),
    ],
)
def test_what_a_mode_does_not_take_is_said(text: str, said: str) -> None:
    with pytest.raises(ExperimentError) as caught:
        parse_sharing(text)
    assert said in str(caught.value)
