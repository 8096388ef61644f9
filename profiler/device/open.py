"""Open the device a user names."""

import importlib

from isim.errors import ProfileError
from isim.profiler.device.contract import Bench

# Each of these modules has `open_bench(spec)`; it is imported only when its device is asked for.
_BACKENDS = {"cpu": "isim.profiler.device.cpu", "cuda": "isim.profiler.cuda_bench"}
_ADVICE = "use cpu, cuda:0 or analytic:T4"


def open_bench(spec: str) -> Bench:
    """Open a device and what can be recorded on it; the caller closes the device.

    Parameters
    ----------
    spec
        `cpu`, `cpu:0,1` (these cores), or `cuda:0`.

    Raises
    ------
    NoDeviceError
        This machine has no such device.
    ProfileError
        The text names no kind of device.

    Examples
    --------
    >>> open_bench("tpu")
    Traceback (most recent call last):
    isim.errors.ProfileError: --device tpu: no such kind of device; use cpu, cuda:0 or analytic:T4
    """
    kind = spec.partition(":")[0]
    if kind not in _BACKENDS:
        raise ProfileError(f"--device {spec}: no such kind of device; {_ADVICE}")
    bench: Bench = importlib.import_module(_BACKENDS[kind]).open_bench(spec)
    return bench
