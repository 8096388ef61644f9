"""A GPU without a GPU: `isim` in a process of its own under the fake drivers, and the truth they wrote down."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import compile_driver
import planted
import pytest

HERE = Path(__file__).parent


class Ran(NamedTuple):
    """A kernel as it truly ran, in us of virtual time."""

    stream: int
    name: str
    start_us: float
    finish_us: float


@dataclass(frozen=True)
class Done:
    """A process that ran under the fake drivers, and what they logged."""

    code: int
    output: str
    errors: str
    log: list[list[str]]
    clocks: list[list[str]]

    @property
    def kernels(self) -> list[Ran]:
        """The kernels that ran, in order of their finish."""
        return [Ran(int(w[1]), w[2], float(w[3]), float(w[4])) for w in self.log if w[0] == "kernel"]

    @property
    def contexts_left(self) -> list[str] | None:
        """Contexts still pushed and still retained as processes ended, most of any; None if none ended by itself."""
        left = [words[1:3] for words in self.log if words[0] == "left"]
        return max(left, default=None)

    @property
    def processes(self) -> int:
        """Processes that used the GPU and ended by themselves."""
        return sum(words[0] == "left" for words in self.log)


@pytest.fixture(scope="session")
def libnvidia_ml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the fake libnvidia-ml."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc)")
    folder = tmp_path_factory.mktemp("nvml")
    compile_driver.compile_libnvidia_ml(folder)
    return folder


@pytest.fixture(scope="session")
def libcuda(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the fake libcuda, for the real pycuda."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler (cc)")
    if compile_driver.cuda_root() is None:
        pytest.skip("no CUDA headers: install a CUDA toolkit, or name it in CUDA_ROOT")
    if importlib.util.find_spec("pycuda") is None:
        pytest.skip("pycuda is not installed: pip install $(.ci/pycuda-wheel) builds it for these tests")
    folder = tmp_path_factory.mktemp("cuda")
    compile_driver.compile_libcuda(folder)
    return folder


class VirtualGpu:
    """Run `isim` beside the fake drivers; `environment` says what is planted and what goes wrong."""

    def __init__(self, libraries: list[Path], folder: Path) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        self.tools.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ISIM_")},
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PYTHONPATH": str(HERE),
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "ISIM_FAKE_CUDA_KERNELS": str(planted.write_kernels(folder / "kernels.txt")),
            "ISIM_FAKE_CUDA_LOG": str(folder / "cuda.log"),
            "ISIM_FAKE_NVML_LOG": str(folder / "clocks.log"),
        }

    def add_tool(self, name: str, *, alias: str | None = None) -> None:
        """Put a stand-in of a profiler on PATH."""
        tool = self.tools / (alias or name)
        tool.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "tools" / name}.py" "$@"\n')
        tool.chmod(0o755)

    def share(self) -> None:
        """Let the processes that `isim` starts use this GPU too, on one virtual clock."""
        self.environment["ISIM_FAKE_CUDA_SHARED"] = str(self.folder / "gpu")
        self.environment["PYTHONPATH"] += f":{HERE / 'stand_ins' / 'members'}"

    def start_mps(self) -> None:
        """Put the control pipe of MPS where its clients look for it."""
        pipes = self.folder / "mps"
        pipes.mkdir()
        (pipes / "control").touch()
        self.environment["CUDA_MPS_PIPE_DIRECTORY"] = str(pipes)

    def isim(self, *arguments: str, **environment: str) -> Done:
        """Run `isim` on the virtual clock and return what came of it."""
        for left in ("cuda.log", "clocks.log", "gpu"):
            (self.folder / left).unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, str(HERE / "on_virtual_gpu.py"), *arguments],
            cwd=self.folder, env={**self.environment, **environment},
            capture_output=True, text=True, timeout=120, check=False,
            start_new_session=True,  # Ctrl-C at a terminal goes to the whole group
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr, self._log("cuda.log"), self._log("clocks.log"))

    def _log(self, name: str) -> list[list[str]]:
        path = self.folder / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def virtual_gpu(libcuda: Path, libnvidia_ml: Path, tmp_path: Path) -> VirtualGpu:
    """A GPU with the kernels of `planted`."""
    return VirtualGpu([libcuda, libnvidia_ml], tmp_path)


@pytest.fixture
def virtual_gpu_without_nvml(libcuda: Path, tmp_path: Path) -> VirtualGpu:
    """The same, on a host that has no NVML."""
    return VirtualGpu([libcuda], tmp_path)


Check = Callable[[Done], None]


@pytest.fixture
def assert_clean() -> Check:
    """Assert that a failed or ended process said one thing, without a traceback, and left neither context nor lock."""

    def check(done: Done) -> None:
        assert "Traceback" not in done.errors
        assert done.contexts_left == ["0", "0"], done.errors
        locks = [words[0] for words in done.clocks]
        assert locks.count("lock") == locks.count("unlock")
        assert not locks or locks[-1] == "unlock"

    return check
