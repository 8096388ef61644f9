"""Keep a random part of a trace."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isim.errors import TraceError
from isim.traces.streams import stream
from isim.traces.trace_stream import TraceStream


def thin(trace: TraceStream, share: float, seed: int, by: str | None = None) -> TraceStream:
    """Keep each request with probability `share`; models keep their shares, and the CV is pulled towards 1.

    Parameters
    ----------
    share
        In (0, 1].
    seed
        Of the choice.
    by
        A column, such as `session_id`: requests of one value are kept or dropped together. Requests without a value
        are chosen one by one.

    Raises
    ------
    TraceError
        The share is out of range; from the iteration, there is no such column, or requests depend on others that may
        be dropped.

    Examples
    --------
    >>> from isim.traces.trace import Trace
    >>> trace = Trace.from_columns(arrival_ns=range(1000), model="bert")
    >>> len(thin(TraceStream.of(trace), 0.3, seed=1).collected())
    282
    """
    if not 0 < share <= 1:
        raise TraceError(f"thin: the share must be > 0 and at most 1 (found {share:g}); replicate to get more")

    def opened() -> Iterator[pa.Table]:
        rng = stream(seed, "thin")
        for chunk in trace:
            if by != "session_id":
                check_independent(chunk, "thin")
            drawn = rng.random(len(chunk))
            yield chunk.filter(pa.array((drawn if by is None else _drawn_by(chunk, by, drawn, seed)) < share))

    return trace.changed({"op": "thin", "params": {"share": share, "by": by}, "seed": seed}, opened)


def check_independent(chunk: pa.Table, verb: str) -> None:
    """Refuse to tear requests from those that they wait for.

    Raises
    ------
    TraceError
        A request has a parent.

    Examples
    --------
    >>> check_independent(pa.table({"arrival_ns": [0], "parent_id": [None]}), "thin")
    >>> check_independent(pa.table({"arrival_ns": [0, 1], "parent_id": [None, 0]}), "thin")
    Traceback (most recent call last):
    isim.errors.TraceError: thin: requests wait for others (parent_id) that may be dropped; go by session_id
    """
    if "parent_id" in chunk.column_names and chunk["parent_id"].null_count < len(chunk):
        raise TraceError(f"{verb}: requests wait for others (parent_id) that may be dropped; go by session_id")


def _drawn_by(chunk: pa.Table, by: str, drawn: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) of each request, the same for all of one value; it depends on seed and value only."""
    if by not in chunk.column_names:
        raise TraceError(f"thin: no column {by!r} (has: {', '.join(chunk.column_names)}); choose one of these")
    encoded: Any = chunk[by].combine_chunks()
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    numbers = np.array([_number(seed, value) for value in values] or [0.0])
    missing = encoded.is_null().to_numpy(zero_copy_only=False)
    return np.where(missing, drawn, numbers[encoded.indices.fill_null(0).to_numpy(zero_copy_only=False)])


def _number(seed: int, value: object) -> float:
    digest = hashlib.sha256(f"{seed}\0{value}".encode()).digest()
    return int.from_bytes(digest[:7], "little") / 2**56
