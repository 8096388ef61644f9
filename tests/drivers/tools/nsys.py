"""A stand-in for `nsys`: it profiles by the log of the fake libcuda, and exports that as the tables of nsys."""

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from under_profiler import misbehave, profiled, split

PROCESS = 77 << 24
KERNEL = "start, end, deviceId, streamId, correlationId, globalPid, demangledName, shortName, registersPerThread"
KERNEL += ", gridX, gridY, gridZ, blockX, blockY, blockZ, staticSharedMemory, dynamicSharedMemory"

options, rest = split(sys.argv[2:])
misbehave()
if sys.argv[1] == "profile":
    Path(options["output"]).write_text(json.dumps(profiled(rest)))
else:
    kernels = json.loads(Path(rest[0]).read_text())
    names = sorted({words[1] for words in kernels})
    with closing(sqlite3.connect(options["output"])) as database:
        database.execute("CREATE TABLE StringIds (id, value)")
        database.executemany("INSERT INTO StringIds VALUES (?, ?)", enumerate(names))
        database.execute(f"CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL ({KERNEL})")
        database.execute("CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start, globalTid, correlationId)")
        for number, (stream, name, start, finish, grid, block, issued) in enumerate(kernels, start=1):
            start_ns, finish_ns, issued_ns = (round(1000 * float(text)) for text in (start, finish, issued))
            row = [start_ns, finish_ns, 0, int(stream), number, PROCESS, names.index(name), names.index(name), 32]
            row += [int(grid), 1, 1, int(block), 1, 1, 0, 0]
            database.execute(f"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES ({', '.join('?' * len(row))})", row)
            database.execute("INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?, ?, ?)", [issued_ns, PROCESS, number])
        database.commit()
