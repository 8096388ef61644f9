"""Compile the stand-in drivers: `python tests/drivers/compile_driver.py cuda|nvml FOLDER`.

`libcuda.so.1` runs in virtual time, `libnvidia-ml.so.1` replays a table; the sources say what they read and write. The
real pycuda and nvidia-ml-py load them through LD_LIBRARY_PATH. They stand in for a GPU in tests and nowhere else.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent
NOT_SUPPORTED = 801  # CUDA_ERROR_NOT_SUPPORTED


def cuda_root() -> Path | None:
    """Return the folder of the CUDA toolkit that has `include/cuda.h`: $CUDA_ROOT, nvcc's, or the newest known."""
    nvcc = shutil.which("nvcc")
    candidates = [Path(os.environ["CUDA_ROOT"])] if "CUDA_ROOT" in os.environ else []
    candidates += [Path(nvcc).resolve().parent.parent] if nvcc else []
    candidates += [Path("/usr/local/cuda"), *sorted(Path("/usr/local").glob("cuda-*"), reverse=True)]
    return next((root for root in candidates if (root / "include" / "cuda.h").exists()), None)


def compile_libcuda(folder: Path) -> Path:
    """Compile libcuda.so.1 and the name libcuda.so to link against; what is not written answers "not supported"."""
    root = cuda_root()
    assert root is not None, "no CUDA headers"
    include = f"-I{root / 'include'}"
    declared = subprocess.run(
        ["cc", "-E", "-P", include, "-include", "cuda.h", "-include", "cudaProfiler.h", "-x", "c", os.devnull],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    names = sorted(set(re.findall(r"\b(cu[A-Z]\w*)\s*\(", declared)))
    stubs = folder / "not_written.c"
    # Weak, so that the functions of our sources take their place.
    stubs.write_text(
        "".join(f"__attribute__((weak)) int {name}(void) {{ return {NOT_SUPPORTED}; }}\n" for name in names)
    )
    library = folder / "libcuda.so.1"
    _compile(library, [include, *map(str, sorted((SOURCES / "cuda").glob("*.c"))), str(stubs)])
    (folder / "libcuda.so").unlink(missing_ok=True)
    (folder / "libcuda.so").symlink_to(library.name)
    return library


def compile_libnvidia_ml(folder: Path) -> Path:
    """Compile libnvidia-ml.so.1; what is not written is absent, which nvidia-ml-py reports as "function not found"."""
    library = folder / "libnvidia-ml.so.1"
    _compile(library, [str(path) for path in sorted((SOURCES / "nvml").glob("*.c"))])
    return library


def _compile(library: Path, arguments: list[str]) -> None:
    flags = [
        "-std=gnu11",
        "-O1",
        "-g",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fPIC",
        "-shared",
        f"-Wl,-soname,{library.name}",
    ]
    subprocess.run(["cc", *flags, "-o", str(library), *arguments, "-lm", "-lpthread"], check=True)


if __name__ == "__main__":
    which, target = sys.argv[1], Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    print({"cuda": compile_libcuda, "nvml": compile_libnvidia_ml}[which](target))
