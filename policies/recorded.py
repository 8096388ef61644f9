"""Repeat the dispatches that hardware made."""

from collections import deque
from collections.abc import Iterable

import numpy as np

from isim.errors import PolicyError
from isim.policies.policy import Arrival, Decision, Dispatch, Drop, Event, Reject, Request, View, WakeAt
from isim.policies.recorded_table import RecordedRequests, read_recorded

_SAME_S = 1e-6
"""Arrivals of the record and of the trace that are this near are the same."""
_ROUNDING_S = 0.5e-9


class Recorded:
    """Dispatch the same requests together, at the same times, as a record of real serving says.

    Contention is then judged apart from scheduling. A batch whose slot is still taken at its time, since what ran
    before it was faster on the hardware, is dispatched at the next finish; a larger concurrency avoids that. What was
    rejected or dropped is so at its arrival. A request that was in no batch waits for ever.

    Parameters
    ----------
    table
        Path of the measured requests: Parquet or CSV with the columns of requests.parquet, `dispatched_s` and
        `batch_id` among them. Ids and arrivals must be those of the trace that is simulated.

    Raises
    ------
    PolicyError
        The table cannot be used; later, a request arrives that it does not hold, or holds at another time.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from isim.policies.rehearsal import rehearse
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "measured.csv")
    ...     _ = path.write_text(
    ...         "request_id,model,arrived_s,dispatched_s,finished_s,batch_id\\n"
    ...         "0,a,0.000,0.004,0.014,0\\n1,a,0.001,0.004,0.014,0\\n2,a,0.002,0.020,0.030,1\\n"
    ...     )
    ...     print(rehearse(Recorded(str(path)), [("a", 0.0), ("a", 0.001), ("a", 0.002)], solo_s=0.01))
    4 ms: a 0 1
    20 ms: a 2
    """

    def __init__(self, table: str) -> None:
        self.table = table
        recorded = read_recorded(table, PolicyError, ("dispatched_s", "batch_id"))
        ids = recorded.request_id.tolist()
        self._arrived_s = dict(zip(ids, recorded.arrived_s.tolist(), strict=True))
        self._refused = {
            request_id: Reject if outcome == "rejected" else Drop
            for request_id, outcome in zip(ids, recorded.outcome, strict=True)
            if outcome in ("rejected", "dropped")
        }
        self._upcoming = deque(_batches(table, recorded))
        self._due: list[tuple[int, ...]] = []
        self._waiting: dict[int, Request] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        """Dispatch what was dispatched by now, oldest first, and ask to be woken for the next."""
        decisions: list[Decision] = []
        if isinstance(event, Arrival):
            request = event.request
            self._check(request)
            if refuse := self._refused.get(request.request_id):
                decisions.append(refuse((request,), "as recorded"))
            else:
                self._waiting[request.request_id] = request
        while self._upcoming and self._upcoming[0][0] <= view.now_s + _ROUNDING_S:
            self._due.append(self._upcoming.popleft()[1])
        free = view.free_slots
        for ids in self._due[:]:
            if free and all(request_id in self._waiting for request_id in ids):
                decisions.append(Dispatch(tuple(self._waiting.pop(request_id) for request_id in ids)))
                self._due.remove(ids)
                free -= 1
        if self._upcoming and self._waiting:
            decisions.append(WakeAt(self._upcoming[0][0]))
        return decisions

    def _check(self, request: Request) -> None:
        arrived_s = self._arrived_s.get(request.request_id)
        if arrived_s is None:
            raise PolicyError(
                f"policy recorded: request {request.request_id} is not in the record ({self.table}, "
                f"{len(self._arrived_s)} requests); simulate the trace that was recorded"
            )
        if abs(arrived_s - request.arrived_s) > _SAME_S:
            raise PolicyError(
                f"policy recorded: request {request.request_id} arrives at {request.arrived_s:.9g} s (the record "
                f"{self.table} has {arrived_s:.9g} s); simulate the trace that was recorded, on the same clock"
            )


def _batches(table: str, recorded: RecordedRequests) -> list[tuple[float, tuple[int, ...]]]:
    """Return when each batch was dispatched and its requests' ids, in order of dispatch."""
    batches: dict[int, list[int]] = {}
    for row in np.flatnonzero(recorded.batch_id >= 0).tolist():
        batches.setdefault(int(recorded.batch_id[row]), []).append(row)
    problems, found = [], []
    for batch_id, rows in batches.items():
        times_s = sorted(set(recorded.dispatched_s[rows].tolist()))
        models = sorted({recorded.model[row] for row in rows})
        if len(times_s) > 1 or np.isnan(times_s[0]):
            problems.append(f"{table}: batch {batch_id} has no single dispatched_s (found {times_s[:3]}); correct it")
        if len(models) > 1:
            problems.append(f"{table}: batch {batch_id} is of several models (found {', '.join(models)}); correct it")
        found.append((times_s[0], batch_id, tuple(int(recorded.request_id[row]) for row in rows)))
    if problems:
        raise PolicyError(*problems[:20])
    return [(dispatched_s, ids) for dispatched_s, _, ids in sorted(found)]
