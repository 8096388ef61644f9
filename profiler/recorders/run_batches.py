"""Run batches of one model for a profiler that watches from outside: `python -m isim.profiler.recorders.run_batches`.

Its arguments are the number of the GPU, the model, the batch size and the repetitions. Only these repetitions lie
between the start and the stop of profiling; the warm-up before them does not.
"""

import sys

from isim.errors import IsimError
from isim.profiler.device.contract import Workload
from isim.profiler.device.cuda import CudaDevice
from isim.profiler.device.cuda_driver import explained

_WARM_UP_BATCHES = 3


def command(spec: str, workload: Workload, repetitions: int) -> list[str]:
    """Return what starts this as a process of its own, for a workload that was loaded here.

    Examples
    --------
    >>> from isim.profiler.device.cuda_models import CallableOnCuda
    >>> command("cuda:0", CallableOnCuda("my_models:bert", 4, print), 50)[1:]
    ['-m', 'isim.profiler.recorders.run_batches', '0', 'my_models:bert', '4', '50']
    """
    index = spec.partition(":")[2] or "0"
    named = getattr(workload, "named", workload.model)  # recordings call a file by its name alone
    return [
        sys.executable,
        "-m",
        "isim.profiler.recorders.run_batches",
        index,
        named,
        str(workload.batch_size),
        str(repetitions),
    ]


def run_batches(index: int, model: str, batch_size: int, repetitions: int) -> None:
    """Warm up, then run the repetitions one after another while profiling is on.

    Raises
    ------
    ProfileError
        The model cannot be loaded or run.
    """
    device = CudaDevice(index)
    try:
        import pycuda.driver as cuda

        workload = device.load(model, batch_size)
        try:
            stream = device.stream(0)
            for repetition in range(-_WARM_UP_BATCHES, repetitions):
                if repetition == 0:
                    with explained(cuda, device.spec):
                        cuda.start_profiler()
                device.launch(workload, stream)
                device.record(stream).time_ns()
            with explained(cuda, device.spec):
                cuda.stop_profiler()
        finally:
            workload.close()
    finally:
        device.close()


if __name__ == "__main__":
    gpu, name, samples, times = sys.argv[1:]
    try:
        run_batches(int(gpu), name, int(samples), int(times))
    except IsimError as error:
        sys.exit("\n".join(f"isim: {problem}" for problem in error.problems))
