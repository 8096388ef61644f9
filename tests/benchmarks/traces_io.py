"""Measure how fast traces are imported, and how much memory a trace takes that is larger than memory should be.

Each measurement is a process of its own, so that its peak memory is its own. Times are wall times, on a machine that
should have nothing else to do; figures are printed as JSON and not asserted anywhere.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isim.traces.parquet_file import GROUP_ROWS
from isim.traces.trace_stream import TraceStream

MODELS = pa.array(["bert", "resnet50", "vgg19"])
CSV_ROWS = 1_000_000


def chunks(requests: int, gap_ns: int) -> Iterator[pa.Table]:
    """Yield so many requests with gamma gaps of CV 2, never all of them at once."""
    rng = np.random.default_rng(1)
    last_ns = 0
    for start in range(0, requests, GROUP_ROWS):
        rows = min(GROUP_ROWS, requests - start)
        arrival_ns = last_ns + np.cumsum(rng.gamma(0.25, 4 * gap_ns, rows)).astype(np.int64)
        last_ns = int(arrival_ns[-1])
        model = pa.DictionaryArray.from_arrays(rng.integers(0, 3, rows, dtype=np.int32), MODELS)
        ids = np.arange(start, start + rows)
        yield pa.table({"arrival_ns": arrival_ns, "model": model, "request_id": ids})


def write_large(path: Path, requests: int) -> None:
    """Write a trace of 1,000 requests per second."""
    footer = {"schema": "1", "kind": "requests", "duration_ns": 2 * requests * 10**6}
    TraceStream(footer, lambda: chunks(requests, 10**6)).write(path)


def write_tables(folder: Path) -> None:
    """Write a million rows in each of several formats."""
    rng = np.random.default_rng(1)
    second = np.sort(rng.uniform(0, 86_399, CSV_ROWS))
    tokens = rng.integers(1, 4000, (2, CSV_ROWS))
    stamps = (np.datetime64("2023-11-16", "ns") + (second * 1e9).astype("m8[ns]")).astype(str)
    rows = list(zip(stamps.tolist(), second.tolist(), *tokens.tolist(), strict=True))
    with (folder / "azure.csv").open("w") as file:
        file.write("TIMESTAMP,ContextTokens,GeneratedTokens\n")
        file.writelines(f"{stamp[:10]} {stamp[11:27]}00,{a},{b}\n" for stamp, _, a, b in rows)
    with (folder / "columns.csv").open("w") as file:
        file.write("ts,model,n\n")
        file.writelines(f"{when:.6f},{'bert' if a % 2 else 'vgg19'},{b}\n" for _, when, a, b in rows)
    with (folder / "burst.csv").open("w") as file:
        file.write("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
        file.writelines(f"{when:.0f},ChatGPT,{a},{b},{a + b},API log\n" for _, when, a, b in rows)
    with (folder / "functions.csv").open("w") as file:
        file.write("app,func,end_timestamp,duration\n")
        file.writelines(f"{a % 119:064x},{b % 424:064x},{when},0.078\n" for _, when, a, b in rows)
    with (folder / "mooncake.jsonl").open("w") as file:
        line = '{{"timestamp": {}, "input_length": {}, "output_length": {}, "hash_ids": [1, 2, 3, 4, 5]}}\n'
        file.writelines(line.format(int(when * 1000), a, b) for _, when, a, b in rows)


def isim(*arguments: str) -> dict[str, float]:
    """Run the command line and return what its process took."""
    started_s = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "isim", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"isim {' '.join(arguments)} failed")
    return {
        "wall_s": round(time.perf_counter() - started_s, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_memory_mib": round(usage.ru_maxrss / 1024),
    }


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000_000, help="of the large trace")
    parser.add_argument("--prepare", type=Path, help="only write the files to measure into this folder")
    arguments = parser.parse_args()
    requests = arguments.requests
    if arguments.prepare is not None:
        write_tables(arguments.prepare)
        write_large(arguments.prepare / "large.parquet", requests)
        return
    figures: dict[str, Any] = {"rows_of_tables": CSV_ROWS, "requests_of_streams": requests}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # In a process of its own: a child's peak memory counts what its parent held when it was started.
        subprocess.run([sys.executable, __file__, "--prepare", name, "--requests", str(requests)], check=True)
        out = ["-f", "-q", "-o", str(folder / "out.parquet")]
        columns = ["--arrival-column", "ts", "--arrival-unit", "s", "--model-column", "model"]
        for kind, file, more in (
            ("azure-llm", "azure.csv", []),
            ("csv", "columns.csv", [*columns, "--input-tokens-column", "n"]),
            ("burstgpt", "burst.csv", []),
            ("azure-functions-2021", "functions.csv", []),
            ("mooncake", "mooncake.jsonl", []),
        ):
            figures[f"import {kind}"] = isim("import", "trace", kind, str(folder / file), *more, *out)
        large = folder / "large.parquet"
        figures["large_file_mib"] = round(large.stat().st_size / 2**20)
        trace = str(large)
        figures["check"] = isim("trace", "check", trace)
        figures["scale by time"] = isim("trace", "scale", trace, "--method", "time", "--factor", "2", *out)
        figures["thin"] = isim("trace", "thin", trace, "--share", "0.5", *out)
        figures["slice"] = isim("trace", "slice", trace, "--start", "1h", *out)
        figures["map"] = isim("trace", "map", trace, "--models", "a=2,b=1", "--map", "weights", *out)
        figures["replicate"] = isim("trace", "replicate", trace, "--factor", "1.5", "--jitter", "1s", *out)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
