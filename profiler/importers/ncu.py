"""Read what Nsight Compute printed as CSV: one kernel a row (raw page), or one metric a row (details page)."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.device.contract import KernelCounters
from isim.profiler.importers.ncu_metrics import WANTED, Counted, to_columns
from isim.profiler.importers.source import read_text

_ADVICE = "export with 'ncu --import REPORT --csv --page raw --print-units base'"
_PERCENT = "avg.pct_of_peak_sustained_elapsed"
# What the details page calls metrics, with the unit that tells apart two of one name. Names changed over the versions.
_DETAILS: Mapping[str, tuple[str, str]] = {
    "Duration": ("gpu__time_duration.sum", ""),
    "Compute (SM) [%]": (f"sm__throughput.{_PERCENT}", "%"),
    "Compute (SM) Throughput": (f"sm__throughput.{_PERCENT}", "%"),
    "Memory [%]": (f"gpu__compute_memory_throughput.{_PERCENT}", "%"),
    "Memory Throughput": (f"gpu__compute_memory_throughput.{_PERCENT}", "%"),
    "L2 Cache Throughput": (f"lts__throughput.{_PERCENT}", "%"),
    "DRAM Throughput": (f"gpu__dram_throughput.{_PERCENT}", "%"),
    "Achieved Occupancy": ("sm__warps_active.avg.pct_of_peak_sustained_active", "%"),
    "Grid Size": ("launch__grid_size", ""),
    "Block Size": ("launch__block_size", ""),
    "Registers Per Thread": ("launch__registers_per_thread", ""),
    "Static Shared Memory Per Block": ("launch__shared_mem_per_block_static", ""),
    "Dynamic Shared Memory Per Block": ("launch__shared_mem_per_block_dynamic", ""),
    "# SMs": ("device__attribute_multiprocessor_count", ""),
}
_ENGLISH = re.compile(r"-?\d+(,\d{3})+(\.\d+)?|-?\d+\.\d+")
_CONTINENTAL = re.compile(r"-?\d+(\.\d{3})+(,\d+)?|-?\d+,\d+")


def read_ncu(path: str | Path) -> tuple[KernelCounters, ...]:
    """Return the shares of the peak of each kernel, in launch order; see `read_ncu_csv`.

    Raises
    ------
    ProfileError
        The file holds no such table, or a unit is unknown.

    Examples
    --------
    >>> from pathlib import Path
    >>> header = '"ID","Process ID","Kernel Name","Metric Name","Metric Unit","Metric Value"'
    >>> row = '"0","7","gemm","sm__throughput.avg.pct_of_peak_sustained_elapsed","%","45"'
    >>> _ = Path("ncu.csv").write_text(f"{header}\\n{row}\\n")
    >>> read_ncu("ncu.csv")[0].shares
    {'sm': 0.45}
    """
    return to_columns(read_ncu_csv(path), str(path)).counters()


def read_ncu_csv(path: str | Path) -> tuple[Counted, ...]:
    """Return the kernels in launch order; what ncu and the program printed before the table is skipped.

    Raises
    ------
    ProfileError
        The file holds no such table, is cut off, or has no units.

    Examples
    --------
    >>> from pathlib import Path
    >>> header = '"ID","Process ID","Kernel Name","Metric Name","Metric Unit","Metric Value"'
    >>> row = '"0","7","gemm","gpu__time_duration.sum","ns","84,480"'
    >>> _ = Path("ncu.csv").write_text(f"{header}\\n{row}\\n")
    >>> read_ncu_csv("ncu.csv")
    (Counted(name='gemm', metrics={'gpu__time_duration.sum': ('84480', 'ns')}),)
    """
    text = read_text(path)
    header_at = re.search(r'"ID","Process ID"', text)
    if header_at is None:
        raise ProfileError(f'{path}: no table of ncu (no line begins with "ID","Process ID"); {_ADVICE}')
    reader = csv.reader(io.StringIO(text[header_at.start() :], newline=""), strict=True)
    try:
        header, *lines = [(reader.line_num, cells) for cells in reader if cells and not cells[0].startswith("==")]
    except csv.Error as error:
        raise ProfileError(f"{path}: damaged or cut off ({error}); {_ADVICE}") from None
    names = header[1]
    if "Kernel Name" not in names:
        raise ProfileError(f"{path}: no column 'Kernel Name' (has: {', '.join(names)[:200]}); {_ADVICE}")
    before = text.count("\n", 0, header_at.start())
    if "Metric Name" in names:
        kernels = tuple(_long(str(path), names, lines, before))
    else:
        kernels = tuple(_wide(str(path), names, lines, before))
    if not kernels:
        raise ProfileError(f"{path}: no kernel; profile a run that uses the GPU")
    return _without_separators(str(path), kernels)


def _long(path: str, names: list[str], lines: list[tuple[int, list[str]]], before: int) -> Iterator[Counted]:
    missing = [name for name in ("Metric Unit", "Metric Value") if name not in names]
    if missing:
        raise ProfileError(f"{path}: no column {', '.join(missing)}, so the values have no units; {_ADVICE}")
    at = {name: names.index(name) for name in names}
    kernels: dict[tuple[str, str], Counted] = {}
    found: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for number, cells in lines:
        if len(cells) <= at["Metric Value"]:
            raise ProfileError(f"{path}: line {before + number} is cut off ({len(cells)} cells); {_ADVICE}")
        key = cells[at["Process ID"]], cells[at["ID"]]
        if key not in kernels:
            found[key] = _launch(names, cells)
            kernels[key] = Counted(cells[at["Kernel Name"]], found[key])
        metric, unit, value = (cells[at[name]] for name in ("Metric Name", "Metric Unit", "Metric Value"))
        canonical, needed = _DETAILS.get(metric, (metric, ""))
        # The details page prints bandwidths under the same names as shares of the peak.
        if canonical in WANTED and (not needed or unit == needed):
            found[key].setdefault(canonical, (value, unit))
    yield from kernels.values()


def _wide(path: str, names: list[str], lines: list[tuple[int, list[str]]], before: int) -> Iterator[Counted]:
    uneven = [number for number, cells in lines if len(cells) != len(names)]
    if uneven:
        raise ProfileError(f"{path}: line {before + uneven[0]} has not the {len(names)} cells of the header; {_ADVICE}")
    if lines and lines[0][1][0]:
        raise ProfileError(f"{path}: no row of units below the header, so nothing says what the values are; {_ADVICE}")
    units = lines[0][1] if lines else []
    columns = [(index, name) for index, name in enumerate(names) if name in WANTED]
    kernel_name = names.index("Kernel Name")
    for _, cells in lines[1:]:
        metrics = {name: (cells[index], units[index]) for index, name in columns}
        yield Counted(cells[kernel_name], {**_launch(names, cells), **metrics})


def _launch(names: list[str], cells: list[str]) -> dict[str, tuple[str, str]]:
    """Return grid and block from columns such as `(80, 45, 1)`, which newer versions have."""
    metrics = {}
    for column, metric in (("Grid Size", "launch__grid_size"), ("Block Size", "launch__block_size")):
        sizes = re.findall(r"\d+", cells[names.index(column)]) if column in names else []
        if sizes:
            total = 1
            for size in sizes:
                total *= int(size)
            metrics[metric] = str(total), ""
    return metrics


def _without_separators(path: str, kernels: tuple[Counted, ...]) -> tuple[Counted, ...]:
    """Return the kernels with plain numbers: ncu separates thousands and decimals as the locale of its user does."""
    values = {value for kernel in kernels for value, _ in kernel.metrics.values()}
    english = {value for value in values if _ENGLISH.fullmatch(value)}
    continental = {value for value in values if _CONTINENTAL.fullmatch(value)}
    if english - continental and continental - english:
        found = f"{min(english - continental)!r} and {min(continental - english)!r}"
        raise ProfileError(f"{path}: numbers of two locales (found {found}); export it again with LC_ALL=C")
    # Where every number could be of either, ncu's own locale is taken: it separates thousands by commas.
    of_numbers = continental if continental - english else english
    drop, point = (".", ",") if continental - english else (",", ".")

    def plain(value: str) -> str:
        return value.replace(drop, "").replace(point, ".") if value in of_numbers else value

    return tuple(
        Counted(kernel.name, {name: (plain(value), unit) for name, (value, unit) in kernel.metrics.items()})
        for kernel in kernels
    )
