"""A stand-in for `ncu`: it counts what is planted, and writes it as ncu 2024 does."""

import csv
import os
import sys
from pathlib import Path

from under_profiler import misbehave, profiled, split

options, command = split(sys.argv[1:])
if options.get("page") != "raw" or options.get("print-units") != "base" or "csv" not in options:
    sys.exit(2)
log = Path(options["log-file"])
misbehave()
if os.environ.get("ISIM_FAKE_TOOL") == "garbage":
    log.write_text("==PROF== Connected to process 1\n\x00\x01 not a table\n")
    sys.exit(0)
if os.environ.get("ISIM_FAKE_TOOL") == "forbidden":
    log.write_text(
        "==ERROR== ERR_NVGPUCTRPERM - The user does not have permission to access NVIDIA GPU Performance Counters\n"
    )
    sys.exit(1)

rows = Path(os.environ["ISIM_FAKE_CUDA_KERNELS"]).read_text().splitlines()
planted = {words[0]: [float(word) for word in words[1:]] for words in map(str.split, rows)}
metrics = options["metrics"].split(",")
units = {"gpu__time_duration.sum": "ns"} | {name: "%" for name in metrics if "pct" in name}
with log.open("w", newline="") as file:
    file.write("==PROF== Connected to process 1\n")
    table = csv.writer(file, quoting=csv.QUOTE_ALL)
    table.writerow(["ID", "Process ID", "Process Name", "Host Name", "Kernel Name", "Context", "Stream", *metrics])
    table.writerow([""] * 7 + [units.get(name, "") for name in metrics])
    for number, (stream, name, start_us, finish_us, grid, block, _) in enumerate(profiled(command)):
        _, _, sm, l2, dram = planted[name]
        values = {
            "gpu__time_duration.sum": 1000 * (float(finish_us) - float(start_us)),
            "sm__inst_issued.avg.pct_of_peak_sustained_active": 100 * sm,
            "lts__t_sectors.avg.pct_of_peak_sustained_elapsed": 100 * l2,
            "dram__bytes.sum.pct_of_peak_sustained_elapsed": 100 * dram,
            "launch__grid_size": grid,
            "launch__block_size": block,
        }
        table.writerow(
            [number, 1, "python", "127.0.0.1", f"{name}()", 1, stream, *(values.get(m, "n/a") for m in metrics)]
        )
