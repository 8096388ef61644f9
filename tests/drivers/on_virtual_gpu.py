"""Run `isim` in a process whose clock is the fake libcuda's: `python on_virtual_gpu.py profile ...`."""

import ctypes
import time

LIBCUDA = ctypes.CDLL("libcuda.so.1")
LIBCUDA.virtual_us.restype = ctypes.c_double
LIBCUDA.let_pass.argtypes = [ctypes.c_double]


def _sleep(seconds: float) -> None:
    # Even a sleep of 0 takes a host some time; without it, waiting for an event would take as many steps as it has us.
    LIBCUDA.let_pass(max(seconds * 1e6, 5.0))


def main() -> None:
    """Put time on the virtual clock, then be `isim`."""
    # Only callers of these two functions are moved; threads wait for real time.
    time.monotonic_ns = lambda: round(LIBCUDA.virtual_us() * 1e3)
    time.sleep = _sleep
    from isim.cli import main as isim

    isim()


if __name__ == "__main__":
    main()
