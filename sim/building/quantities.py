"""What the values of an experiment's keys are: quantities with units, counts, weights, tables."""

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from isim.errors import IsimError
from isim.units import parse_rate_rps, parse_seconds

_MOST = 1e12
"""Seconds, or requests a second: beyond reason, and nothing overflows below it."""


def _quantity(parse: Callable[[str, str], float], example: str, zero: bool = False) -> BeforeValidator:
    """Read text with a unit into a finite quantity above zero (or zero, if that is allowed)."""

    def read(value: object) -> float:
        if not isinstance(value, str):
            raise ValueError(f'no unit; write it in quotes and with its unit, such as "{example}"')
        try:
            quantity = parse(value, "")
        except IsimError as error:
            raise ValueError(str(error).removeprefix(": ")) from None
        if not (0 < quantity < float("inf") or (zero and quantity == 0)):
            raise ValueError(
                f"must be {'at least' if zero else 'more than'} 0 and finite; correct it, such as {example}"
            )
        if quantity > _MOST:
            raise ValueError(f"must be at most {_MOST:g}; correct it, such as {example}")
        return quantity

    return BeforeValidator(read)


Seconds = Annotated[float, _quantity(parse_seconds, "50ms")]
Pause = Annotated[float, _quantity(parse_seconds, "5ms", zero=True)]
Rate = Annotated[float, _quantity(parse_rate_rps, "200rps")]
Positive = Annotated[float, Field(gt=0, le=1e12, strict=True)]
Weights = Annotated[dict[str, Positive], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, strict=True)]


def whole(problem: str) -> PydanticCustomError:
    """Return an error of the experiment as a whole, not of the key at which it was noticed."""
    return PydanticCustomError("whole", "{problem}", {"problem": problem})


class Table(BaseModel):
    """A table of an experiment file: no other keys than its own, each checked."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)
