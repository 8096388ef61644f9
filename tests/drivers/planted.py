"""Models whose kernels are planted: each is a list of kernels of the table that the fake libcuda reads.

They are named `planted:MODEL`. The demands are those of the table `KERNELS`, so that a test can work results out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

# Of each kernel: duration and gap before it in us, and its demand on SM, L2 and DRAM.
KERNELS = {
    "copy": (100.0, 0.0, 0.2, 0.3, 0.8),
    "gemm": (80.0, 0.0, 0.9, 0.1, 0.1),
    "late": (50.0, 25.0, 0.6, 0.2, 0.7),
    "tiny": (20.0, 2.0, 0.1, 0.1, 0.1),
    "stress_l2": (400.0, 0.0, 0.3, 0.9, 0.02),
    "stress_dram": (400.0, 0.0, 0.3, 0.9, 0.9),
    "stress_fma": (400.0, 0.0, 0.95, 0.01, 0.01),
    "spin": (10000.0, 0.0, 0.01, 0.0, 0.0),
}
MODELS = {"copies": ["copy"], "gemms": ["gemm"], "mixed": ["late", "gemm", "tiny", "copy"], "tinies": ["tiny"] * 3}
GRID, BLOCK = 216, 256


def write_kernels(path: Path, **changed: tuple[float, ...]) -> Path:
    """Write the table for the fake libcuda, some kernels changed."""
    rows = {**KERNELS, **changed}
    path.write_text("".join(f"{name} {' '.join(map(str, row))}\n" for name, row in rows.items()))
    return path


def solo_us(model: str, batch_size: int) -> float:
    """Return how long a batch takes alone: its gaps and durations, one after another."""
    return batch_size * sum(KERNELS[name][0] + KERNELS[name][1] for name in MODELS[model])


def _factory(model: str) -> Callable[[int], Callable[[Any], None]]:
    def make(batch_size: int) -> Callable[[Any], None]:
        import pycuda.driver as cuda

        ptx = ".version 7.0\n.target sm_80\n.address_size 64\n"
        ptx += "".join(f".visible .entry {name}() {{ ret; }}\n" for name in sorted(set(MODELS[model])))
        module = cuda.module_from_buffer(ptx.encode())
        memory = cuda.mem_alloc(1024)
        functions = [module.get_function(name) for name in MODELS[model] * batch_size]

        def run(stream: Any) -> None:
            assert memory is not None  # held as long as the model is
            for function in functions:
                function(block=(BLOCK, 1, 1), grid=(GRID, 1), stream=stream)

        return run

    return make


copies, gemms, mixed, tinies = map(_factory, ("copies", "gemms", "mixed", "tinies"))
