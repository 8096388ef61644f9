"""Read what Nsight Systems recorded: a report exported as SQLite, or its table of projected NVTX ranges."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Kernel
from isim.profiler.importers.source import sha256_of
from isim.profiler.importers.timeline import Launched, Range, Thread, Timeline, in_launch_order

_EXPORT = "export with 'nsys export --type sqlite'"
# Arrays lie in device memory; unified memory is moved as pages of it.
_COPIES = {
    "memcpy_h2d": ("HTOD", "HTOA", "UVM_HTOD"),
    "memcpy_d2h": ("DTOH", "ATOH", "UVM_DTOH"),
    "memcpy_d2d": ("DTOD", "DTOA", "ATOD", "ATOA", "UVM_DTOD"),
}
_KIND_OF_COPY = {f"CUDA_MEMCPY_KIND_{name}": kind for kind, names in _COPIES.items() for name in names}
_PUSH_POP, _START_END = 59, 60  # kinds of NVTX events that last
_THREAD_BITS = 24  # of a global thread id: the thread; above it the process


def read_nsys(path: str | Path) -> Timeline:
    """Return the timeline of an SQLite export.

    Raises
    ------
    ProfileError
        The file is not such an export, is damaged, or holds no operation of a GPU.
    """
    sha256 = sha256_of(path)
    try:
        # immutable: a read-only folder has no place for the journal that SQLite would look for
        with closing(sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return _Reader(database, str(path)).timeline(sha256)
    except sqlite3.Error as error:
        raise ProfileError(f"{path}: not an SQLite export of nsys ({error}); {_EXPORT}") from None
    except KeyError as error:
        raise ProfileError(f"{path}: not a known export of nsys (no column {error}); {_EXPORT}") from None
    except (TypeError, ValueError) as error:  # SQLite keeps any text in a column of numbers
        raise ProfileError(f"{path}: a cell is missing or damaged ({error}); {_EXPORT}") from None


class _Reader:
    def __init__(self, database: sqlite3.Connection, where: str) -> None:
        self.database = database
        self.where = where
        names = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        self.tables = {name for (name,) in names}

    def timeline(self, sha256: str) -> Timeline:
        if "StringIds" not in self.tables:
            raise ProfileError(f"{self.where}: not an export of nsys (no table StringIds); {_EXPORT}")
        launches = self._launches()
        operations = [self._launched(row, launches) for row in self._operations()]
        if not operations:
            graphs = "CUPTI_ACTIVITY_KIND_GRAPH_TRACE" in self.tables
            advice = "trace CUDA graphs with --cuda-graph-trace=node" if graphs else "trace a run that uses the GPU"
            raise ProfileError(f"{self.where}: no kernel, copy or memset ran on a GPU; {advice}")
        wrong = sum(one.kernel.finish_ns < one.kernel.start_ns or one.kernel.start_ns < 0 for one in operations)
        if wrong:
            raise ProfileError(f"{self.where}: {wrong} operations end before they start; export it again")
        notes = []
        if "CUPTI_ACTIVITY_KIND_GRAPH_TRACE" in self.tables:
            notes.append(f"{self.where}: CUDA graphs stand in it without kernels; record with --cuda-graph-trace=node")
        without = sum(one.launched_ns is None for one in operations)
        if without:
            notes.append(f"{self.where}: the launch of {without} operations is not recorded; no range holds them")
        facts = {"format": "nsys", "file": Path(self.where).name, "sha256": sha256, "versions": self._versions()}
        return Timeline(
            self.where, in_launch_order(operations), tuple(self._ranges()), self._devices(), facts, tuple(notes)
        )

    def _rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        if table in self.tables:
            cursor = self.database.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            yield from (dict(zip(names, row, strict=True)) for row in cursor)

    def _versions(self) -> dict[str, str]:
        kept = ("EXPORT_PRODUCT_VERSION", "EXPORT_SCHEMA_VERSION")
        return {row["name"]: str(row["value"]) for row in self._rows("META_DATA_EXPORT") if row["name"] in kept}

    def _devices(self) -> dict[int, dict[str, Any]]:
        kept = {"name": "name", "smCount": "sms", "clockRate": "clock_hz", "memoryBandwidth": "dram_bytes_per_s"}
        kept |= {"l2CacheSize": "l2_bytes", "totalMemory": "dram_bytes"}
        return {
            row["id"]: {ours: row[theirs] for theirs, ours in kept.items() if row.get(theirs)}
            for row in self._rows("TARGET_INFO_GPU")
        }

    def _launches(self) -> dict[tuple[int | None, int | None], tuple[int, Thread]]:
        return {
            (row["globalTid"] >> _THREAD_BITS, row["correlationId"]): (row["start"], _thread(row["globalTid"]))
            for row in self._rows("CUPTI_ACTIVITY_KIND_RUNTIME")
            if row.get("globalTid") is not None and row.get("correlationId") is not None
        }

    def _operations(self) -> Iterator[tuple[Mapping[str, Any], str, str]]:
        text = {row["id"]: row["value"] for row in self._rows("StringIds")}
        for row in self._rows("CUPTI_ACTIVITY_KIND_KERNEL"):
            name = text.get(row["demangledName"]) or text.get(row["shortName"])
            if name is None:
                raise ProfileError(f"{self.where}: a kernel's name is missing in StringIds; export it again")
            yield row, "kernel", name
        copies = {row["id"]: row["name"] for row in self._rows("ENUM_CUDA_MEMCPY_OPER")}
        for row in self._rows("CUPTI_ACTIVITY_KIND_MEMCPY"):
            copy = copies.get(row["copyKind"], f"kind {row['copyKind']}")
            if copy in _KIND_OF_COPY:
                yield row, _KIND_OF_COPY[copy], f"memcpy {copy.removeprefix('CUDA_MEMCPY_KIND_')}"
            elif copy != "CUDA_MEMCPY_KIND_HTOH":  # a copy within the host does not touch the GPU
                raise ProfileError(
                    f"{self.where}: a copy of a kind that a profile does not hold (found {copy}); record on one GPU"
                )
        for row in self._rows("CUPTI_ACTIVITY_KIND_MEMSET"):
            yield row, "memset", "memset"

    def _launched(
        self,
        operation: tuple[Mapping[str, Any], str, str],
        launches: Mapping[tuple[int | None, int | None], tuple[int, Thread]],
    ) -> Launched:
        row, kind, name = operation
        of_kernel: dict[str, int] = {}
        if kind == "kernel":
            of_kernel = {
                "grid": row["gridX"] * row["gridY"] * row["gridZ"],
                "block": row["blockX"] * row["blockY"] * row["blockZ"],
                "registers": row["registersPerThread"],
                "shared_memory_bytes": row["staticSharedMemory"] + row["dynamicSharedMemory"],
            }
        for column in ("start", "end", "streamId", "deviceId"):
            if not isinstance(row[column], int):
                raise TypeError(f"{column} of {kind} {name!r} is {row[column]!r}")
        kernel = Kernel(name, row["start"], row["end"], kind, row["streamId"], **of_kernel, bytes=row.get("bytes"))
        process = None if row.get("globalPid") is None else row["globalPid"] >> _THREAD_BITS
        order = row.get("correlationId")
        launched_ns, thread = launches.get((process, order), (None, None))
        # What a user calls a process is the lower part of its number; above it stands the machine.
        return Launched(
            kernel, row["deviceId"], None if process is None else process & 0xFFFFFF, order, launched_ns, thread
        )

    def _ranges(self) -> Iterator[Range]:
        text = {row["id"]: row["value"] for row in self._rows("StringIds")}
        for row in self._rows("NVTX_EVENTS"):
            name = row["text"] if row.get("text") is not None else text.get(row.get("textId"))
            if row["eventType"] in (_PUSH_POP, _START_END) and name is not None and row["end"] is not None:
                yield Range(name, row["start"], row["end"], _thread(row["globalTid"]))


def _thread(global_tid: int) -> Thread:
    return global_tid >> _THREAD_BITS, global_tid
