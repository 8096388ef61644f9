"""Import kernels that a cycle-level simulator ran, alone and on two streams: no measurement of hardware."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from isim.errors import ProfileError
from isim.profiler.importers.recordings.experiment import Campaign, Execution, Experiment
from isim.profiler.importers.source import read_text, sha256_of

_NAME = re.compile(r"(?P<gpu>.+)_(?P<blocks>\d+)blocks_(?P<kernels>[a-z]+)")
_KERNEL = re.compile(r"ISIM_KERNEL .*\bname=(\S+) launch=(\d+) start=(\d+) end=(\d+)\s*")
_MANGLED = re.compile(r"_Z(\d+)(.+)")


def read_gpgpusim(paths: Sequence[str | Path], *, clock_mhz: float) -> Campaign:
    """Read outputs named `GPU_NNblocks_KERNELS.txt`: of each kernel `ISIM_KERNEL name= launch= start= end=`, in cycles.

    A kernel with a number of blocks is a model; a number at the end of its name tells a second launch of the same
    code. It runs from its launch to its end, so that waiting for its first block is part of it, alone as well.

    Parameters
    ----------
    clock_mhz
        Clock of the simulated SMs.

    Raises
    ------
    ProfileError
        Anything is wrong with the files; all problems at once.
    """
    if not 0 < clock_mhz < 1e6:
        raise ProfileError(f"gpgpusim: not a clock (found {clock_mhz} MHz); state that of the simulated SMs")
    experiments, problems, devices, files = list[Experiment](), list[str](), set[str](), list[dict[str, str]]()
    for path in dict.fromkeys(Path(path) for path in paths):
        try:
            gpu, experiment = _experiment(path, 1e3 / clock_mhz)
        except ProfileError as error:
            problems.extend(error.problems)
            continue
        devices.add(gpu)
        experiments.append(experiment)
        files.append({"file": path.name, "sha256": sha256_of(path)})
    if len(devices) > 1:
        problems.append(f"gpgpusim: files of several GPUs ({', '.join(sorted(devices))}); import each GPU apart")
    if problems:
        raise ProfileError(*problems)
    facts = {
        "format": "gpgpusim",
        "device": {"name": f"simulated {devices.pop()}", "sm_clock_mhz": clock_mhz},
        "source": "GPGPU-Sim",
        "files": files,
    }
    return Campaign(experiments, facts, origin="simulated")


def _experiment(path: Path, cycle_ns: float) -> tuple[str, Experiment]:
    text, name = read_text(path), _NAME.fullmatch(path.stem)
    if name is None:
        raise ProfileError(f"{path}: its name does not say GPU and blocks; name it like SM75_RTX2060_60blocks_mc.txt")
    executions = tuple(_executions(text, f"{name['blocks']}blocks", cycle_ns))
    if len(executions) != len(name["kernels"]):
        raise ProfileError(
            f"{path}: its name tells {len(name['kernels'])} kernels (found {len(executions)} whole lines of one); "
            "let the simulation end and copy the file again"
        )
    return name["gpu"], Experiment(path.stem, "streams", executions, "execution")


def _executions(text: str, blocks: str, cycle_ns: float) -> Iterator[Execution]:
    kernels = [match.groups() for line in text.splitlines() if (match := _KERNEL.fullmatch(line))]
    for member, (name, launch, _, end) in enumerate(sorted(kernels, key=lambda kernel: int(kernel[1]))):
        mangled = _MANGLED.fullmatch(name)
        plain = mangled[2][: int(mangled[1])] if mangled else name
        duration_ns = (int(end) - int(launch)) * cycle_ns
        model = f"{plain.rstrip('0123456789')}-{blocks}"
        yield Execution(member, model, 1, duration_ns, start_ns=int(launch) * cycle_ns)
