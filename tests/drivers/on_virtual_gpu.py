"""Run `isim` in a process whose clock is the fake libcuda's: `python on_virtual_gpu.py profile ...`."""

import os

from virtual_clock import share_as_parent, tell_virtual_time


def main() -> None:
    """Put time on the virtual clock, then be `isim`."""
    libcuda = tell_virtual_time()
    if "ISIM_FAKE_CUDA_SHARED" in os.environ:
        share_as_parent(libcuda)
    from isim.cli import main as isim

    isim()


if __name__ == "__main__":
    main()
