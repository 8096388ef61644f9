"""Replay Abacus's serving logs through the engine, query by query, with service times of other pairs' logs.

Measured: Abacus (SC'21), A100, PyTorch in FP16: 10 pairs of models, 1,000 queries each with known arrivals, at 50 and
100 queries a second, under three schedulers that run queries one at a time. One at a time, a query's service time
is the time from its arrival, or from the finish before it if that is later, to its own finish. Those of other pairs'
FCFS logs are drawn from for the queries of a log. The first query of each log took some 50 ms longer than its like and
is not drawn. A query that finds the server idle takes a little longer than one in a busy period; the difference of the
means in the other pairs' logs is the time in which the scheduler wakes up, and only busy ones are drawn.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from rounds import Rounds

from isim.contention.none import NoContention
from isim.engine.batch import Batch
from isim.engine.simulation import Simulation
from isim.operations import Operations
from isim.policies.policy import Overlap, Request
from isim.profiler.profile import Profile
from isim.traces.trace import Trace
from isim.workload import Replay

FIGURES = ("mean", "p50", "p99")
REPLICATIONS = 20
ORDERS: dict[str, Literal["fcfs", "sjf", "edf"]] = {"FCFS": "fcfs", "SJF": "sjf", "EDF": "edf"}
_LEAST_SERVICE_S = 1e-3
"""Logged latencies jitter; a query that seems to take less than this began before the finish in front of it."""

Floats = npt.NDArray[np.float64]


class Log(NamedTuple):
    """One scheduler serving one pair at one load: the queries in order of arrival."""

    pair: str
    policy: str
    load_per_s: int
    objective_s: float
    queries: pd.DataFrame


class Comparison(NamedTuple):
    """One log, simulated and measured: figures of latency in seconds, and the share dropped as the last."""

    pair: str
    policy: str
    load_per_s: int
    simulated: Floats
    measured: Floats

    def errors(self) -> dict[str, float]:
        """Return the signed errors of the latency figures, relative to the measured, and of the share dropped."""
        relative = self.simulated / np.maximum(self.measured, 1e-12) - 1
        difference = float(self.simulated[-1] - self.measured[-1])
        return dict(zip(FIGURES, relative.tolist(), strict=False)) | {"dropped": difference}


class Services(NamedTuple):
    """What is known of the queries of one log from other logs, seconds."""

    drawn_s: dict[tuple[str, int], Floats]
    """Service times in busy periods by model and batch size."""
    wake_s: float


class _Ends:
    """Keep how every request ended: its latency in seconds, NaN if it was dropped."""

    def __init__(self) -> None:
        self.latency_s: dict[int, float] = {}

    def arrived(self, request: Request) -> None: ...
    def batch(self, batch: Batch) -> None: ...
    def overlap(self, gpu: int, overlap: Overlap) -> None: ...
    def still_resident(self, batch: Batch) -> None: ...

    def ended(self, requests: tuple[Request, ...], how: Batch | int) -> None:
        for request in requests:
            served = isinstance(how, Batch)
            self.latency_s[request.request_id] = how.finished_s - request.arrived_s if served else float("nan")


def read_logs(data: Path) -> list[Log]:
    """Return every log, with the age at which a query was dropped."""
    folder = data / "gpu" / "a100-abacus"
    table = pd.read_csv(folder / "serving_logs.csv")
    objectives = pd.read_csv(folder / "qos_targets.csv").set_index(["pair", "load_per_s"]).qos_target_ms
    lengths = "-seq" + table.sequence_length.astype(str)
    table["name"] = table.model + lengths.where(table.sequence_length > 0, "")
    return [
        Log(pair, policy, int(load), float(objectives[pair, load]) / 1e3, rows.sort_values("query_id"))
        for (pair, policy, load), rows in table.groupby(["pair", "policy", "load_per_s"])
    ]


def service_times(logs: list[Log]) -> pd.DataFrame:
    """Return every observed service time in seconds but each log's first, and whether the query met an idle server."""
    found = []
    for log in logs:
        served = log.queries[log.queries.latency_ms >= 0]
        served = served.assign(finished_s=served.arrival_s + served.latency_ms / 1e3).sort_values("finished_s")
        before_s = served.finished_s.shift(fill_value=-np.inf)
        service_s = np.maximum(served.finished_s - np.maximum(served.arrival_s, before_s), _LEAST_SERVICE_S)
        found.append(served.assign(service_s=service_s, idle=served.arrival_s > before_s)[served.query_id > 0])
    return pd.concat(found)[["pair", "load_per_s", "name", "batch", "service_s", "idle"]]


def held_out(times: pd.DataFrame, log: Log) -> Services:
    """Return service times from the logs of other pairs.

    A model that no other pair has takes its times from the log of this pair at the other load.
    """
    others = times[times.pair != log.pair]
    alone = times[(times.pair == log.pair) & (times.load_per_s != log.load_per_s) & ~times.name.isin(others.name)]
    busy = pd.concat([others, alone])
    busy = busy[busy.name.isin(log.queries.name) & ~busy.idle]
    by_kind = others.groupby(["name", "batch", "idle"]).service_s.mean().unstack("idle").dropna()
    drawn_s = {
        (str(name), int(size)): rows.to_numpy() for (name, size), rows in busy.groupby(["name", "batch"]).service_s
    }
    return Services(drawn_s, float((by_kind[True] - by_kind[False]).mean()))


def simulate_log(log: Log, services: Services, seed: int) -> Floats:
    """Serve a log's queries by its scheduler on one exclusive GPU; return the figures."""
    queries = log.queries
    kinds = list(zip(queries.name, queries.batch, strict=True))
    mean_s = {kind: float(values.mean()) for kind, values in services.drawn_s.items()}
    random = np.random.default_rng(seed)
    trace = Trace.from_columns(
        arrival_ns=np.rint(queries.arrival_s.to_numpy() * 1e9).astype(np.int64),
        model=queries.name.to_list(),
        request_id=queries.query_id.to_numpy(),
        batch=queries.batch.to_numpy(),
        work=np.array([random.choice(services.drawn_s[kind]) / mean_s[kind] for kind in kinds]),
    )
    rows = [
        {"model": name, "batch_size": size, "sm_share": 1.0, "position": 0, "kind": "kernel", "name": "query",
         "duration_ns": round(service_s * 1e9), "gap_ns": 0}
        for (name, size), service_s in mean_s.items()
    ]  # fmt: skip
    profile = Profile.from_table(pa.Table.from_pylist(rows), {"origin": "imported"})
    ends = _Ends()
    policy = Rounds(ORDERS[log.policy], services.wake_s)
    workload = Replay(trace, {"*": log.objective_s})
    Simulation(Operations(profile, trace.models), workload, policy, NoContention(), 1, ends).run()
    return _figures(np.array([ends.latency_s[request_id] for request_id in queries.query_id]))


def compare(data: Path, policies: Sequence[str] = ("FCFS",)) -> list[Comparison]:
    """Replay every log of these schedulers; simulated figures are means over replications of what is drawn."""
    logs = read_logs(data)
    times = service_times([log for log in logs if log.policy == "FCFS"])
    found = []
    for log in logs:
        if log.policy not in policies:
            continue
        services = held_out(times, log)
        simulated = np.mean([simulate_log(log, services, seed) for seed in range(REPLICATIONS)], axis=0)
        measured = _figures(np.where(log.queries.latency_ms < 0, np.nan, log.queries.latency_ms / 1e3))
        found.append(Comparison(log.pair, log.policy, log.load_per_s, simulated, measured))
    return found


def _figures(latency_s: Floats) -> Floats:
    served_s = latency_s[~np.isnan(latency_s)]
    dropped = 1 - len(served_s) / len(latency_s)
    return np.array([served_s.mean(), *np.percentile(served_s, [50, 99]), dropped])
