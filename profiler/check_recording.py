"""Find everything that is wrong with a co-location recording's table, all at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.profiler.conform import count_rows
from isim.profiler.recording_schema import SHARINGS, STATISTICS

_Mask = npt.NDArray[np.bool_]
_OF_ONE_MEMBER = ("model", "batch_size", "sm_share", "solo_ns")


def table_problems(table: pa.Table) -> Iterator[str]:
    """Yield what is wrong with the values of a table that has the schema and is sorted by its key.

    Examples
    --------
    >>> from isim.profiler.recording_schema import SCHEMA
    >>> list(table_problems(SCHEMA.empty_table()))
    ['no rows; a recording needs at least one execution']
    """
    if len(table) == 0:
        yield "no rows; a recording needs at least one execution"
        return
    start_ns, finish_ns = (_numbers(table, name) for name in ("start_ns", "finish_ns"))
    solo_ns, slowdown = (_numbers(table, name, 1) for name in ("solo_ns", "slowdown"))
    sharing, statistic = (np.array(table[name].to_pylist()) for name in ("sharing", "statistic"))
    for wrong, what in (
        (start_ns < 0, "start_ns is negative"),
        (finish_ns <= start_ns, "finish_ns is not after start_ns"),
        (_numbers(table, "batch_size") < 1, "batch_size is below 1"),
        (_numbers(table, "member") < 0, "member is negative"),
        (~_within(_numbers(table, "sm_share")), "sm_share is outside 0..1"),
        (solo_ns <= 0, "solo_ns is not positive"),
        (~(slowdown > 0), "slowdown is not positive"),
        (~(_numbers(table, "slowdown_at_solo_clock", 1) > 0), "slowdown_at_solo_clock is not positive"),
        (_numbers(table, "batches", 1) < 1, "batches is below 1"),
        (_numbers(table, "alone_ns") < 0, "alone_ns is negative"),
        (~np.isin(sharing, SHARINGS), f"sharing is not one of {', '.join(SHARINGS)}"),
        (~np.isin(statistic, STATISTICS), f"statistic is not one of {', '.join(STATISTICS)}"),
        ((statistic == "makespan") & _counted(table), "counted is true of a makespan"),
    ):
        if wrong.any():
            yield f"{what} in {_first(table, wrong)}; correct it"
    both = table["solo_ns"].is_valid().to_numpy() & table["slowdown"].is_valid().to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = both & ~np.isclose(slowdown, (finish_ns - start_ns) / solo_ns, rtol=1e-9)
    if wrong.any():
        yield f"slowdown is not (finish - start) / solo in {_first(table, wrong)}; leave it out to have it computed"
    yield from _member_problems(table)


def _member_problems(table: pa.Table) -> Iterator[str]:
    experiment, member = _numbers(table, "experiment"), _numbers(table, "member")
    timed = np.isin(experiment, experiment[_numbers(table, "batches") > 0])
    if (wrong := (_numbers(table, "alone_ns") > 0) & ~timed).any():
        yield (
            f"alone_ns says little where no member of the experiment has batches, in {_first(table, wrong)}; "
            "give the batches after which one ended"
        )
    for names, same, what in (
        (_OF_ONE_MEMBER, (np.diff(experiment) == 0) & (np.diff(member) == 0), "member"),
        (("sharing", "statistic"), np.diff(experiment) == 0, "experiment"),
    ):
        for name in names:
            values = np.array(table[name].to_pylist(), dtype=object)
            wrong = np.append(False, same & (values[1:] != values[:-1]))
            if wrong.any():
                yield f"{name} differs within one {what} in {_first(table, wrong)}; number them apart"


def _counted(table: pa.Table) -> _Mask:
    return table["counted"].to_numpy()


def _within(share: npt.NDArray[Any]) -> _Mask:
    return (share > 0) & (share <= 1)


def _first(table: pa.Table, wrong: _Mask) -> str:
    row = int(wrong.argmax())
    key = table.slice(row, 1).to_pylist()[0]
    where = f"experiment {key['experiment']}, member {key['member']}, {key['model']}, start {key['start_ns']} ns"
    return f"{count_rows(int(wrong.sum()))} (first: {where})"


def _numbers(table: pa.Table, name: str, missing: int = 0) -> npt.NDArray[Any]:
    return table[name].combine_chunks().fill_null(missing).to_numpy(zero_copy_only=False)
