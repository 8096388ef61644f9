"""What is said of a condition that cannot be judged."""

from typing import Any

import click
import pytest

from isim.cli.fail_if import Condition

ERRORS = {"mape": 0.2, "bias": -0.1}
FIGURES: dict[str, Any] = {
    **ERRORS,
    "minus_baseline_mape": 0.0,
    "repeatability": None,
    "by_size": {"3": ERRORS, "4": ERRORS},
    "members": [1.0],
}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "mpae > 1",
            "no such figure (found 'mpae'); did you mean mape? choose of mape, bias, minus_baseline_*, by_size.*",
        ),
        (
            "by_size.5.mape > 1",
            "no such figure (found 'by_size.5.mape'); did you mean by_size.4.mape? choose of by_size.3.*, by_size.4.*",
        ),
        (
            "by_size.3.mpae > 1",
            "no such figure (found 'by_size.3.mpae'); did you mean by_size.3.mape? "
            "choose of by_size.3.mape, by_size.3.bias",
        ),
        (
            "repeatability > 1",
            "no value here (found 'repeatability'); choose of mape, bias, minus_baseline_*, by_size.*",
        ),
        (
            "mape > 10%",
            "not a condition (found 'mape > 10%'); write FIGURE > NUMBER, a bare number in the unit of the figure's "
            "name (0.01 for 10ms, 0.1 for 10%)",
        ),
    ],
)
def test_what_can_be_asked_is_named(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        condition = Condition.parse(text)
        assert condition is not None
        condition.holds(FIGURES)
    assert caught.value.message == said


def test_a_figure_inside_others_is_found_by_its_whole_name() -> None:
    condition = Condition.parse("by_workload.yolov8.5n@2.mape > 0.1")
    assert condition is not None and condition.holds({"by_workload": {"yolov8.5n@2": ERRORS}})
