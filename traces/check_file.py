"""Check a file of requests or of rates, whatever its size."""

from pathlib import Path
from typing import Any

from isim.traces.oddities import oddities
from isim.traces.parquet_file import opened_parquet
from isim.traces.rates import Rates
from isim.traces.trace import Trace
from isim.traces.trace_stream import TraceStream

_HELD = 10_000_000


def check_file(path: str | Path) -> dict[str, Any]:
    """Return what a file holds: kind, rows, models, duration_s, and notes on what is rarely meant.

    Notes need the whole trace at once, and are left out above 10 million requests.

    Raises
    ------
    TraceError
        Something is wrong with the file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Trace.from_columns(arrival_ns=[0, 10**9], model="a").write(Path(folder) / "t.parquet")
    ...     check_file(Path(folder) / "t.parquet")
    {'kind': 'requests', 'rows': 2, 'models': ['a'], 'duration_s': 1.0, 'notes': []}
    """
    path = Path(path)
    if not path.name.removesuffix(".gz").endswith(".csv") and opened_parquet(path)[1].get("kind") == "rates":
        rates = Rates.read(path)
        return {
            "kind": "rates",
            "rows": len(rates),
            "models": list(rates.models),
            "duration_s": rates.duration_ns / 1e9,
            "notes": [],
        }
    stream = TraceStream.read(path)
    survey = stream.survey()
    return {
        "kind": "requests",
        "rows": survey.requests,
        "models": list(survey.models),
        "duration_s": stream.duration_ns / 1e9,
        "notes": list(oddities(Trace.read(path))) if survey.requests <= _HELD else [],
    }
