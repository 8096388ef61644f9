"""Run an ONNX graph on a GPU by ONNX Runtime: TensorRT where it is installed, else its own CUDA kernels."""

from pathlib import Path
from typing import Any

from isim.errors import ProfileError
from isim.profiler.workloads.named import model_name
from isim.profiler.workloads.onnx_workload import make_inputs

_PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider")


class OnnxOnCuda:
    """One graph at one batch size; inputs and outputs stay on the GPU.

    Parameters
    ----------
    named
        MODEL as the user wrote it.
    content
        The `.onnx` file's, or its path.
    sizes
        Length of each dimension the graph leaves open, by its name; the first dimension is the batch.
    gpu
        Number of the GPU.

    Raises
    ------
    ProfileError
        ONNX Runtime cannot run graphs on a GPU, or not this one.
    """

    def __init__(self, named: str, content: bytes | Path, batch_size: int, sizes: dict[str, int], gpu: int) -> None:
        import onnxruntime

        self.named, self.model, self.batch_size = named, model_name(named), batch_size
        self._source = content if isinstance(content, bytes) else str(content)
        self._sizes = sizes
        self._gpu = gpu
        # A session is bound to one stream, so there is one for every stream that it runs on.
        self._sessions: dict[int, tuple[Any, Any, Any]] = {}
        self._providers = [name for name in _PROVIDERS if name in onnxruntime.get_available_providers()]
        if not self._providers:
            raise ProfileError(f"{named}: this ONNX Runtime is for CPUs only; install onnxruntime-gpu in its place")

    def run(self, stream: Any) -> None:
        """Queue one batch on a pycuda stream.

        Raises
        ------
        ProfileError
            The graph cannot be loaded, or fails on its inputs.
        """
        try:
            if stream.handle not in self._sessions:
                self._sessions[stream.handle] = self._session(stream)
            session, binding, options = self._sessions[stream.handle]
            session.run_with_iobinding(binding, options)
        except ProfileError:
            raise
        except Exception as error:  # ONNX Runtime raises a class a cause, none of them public
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
            raise ProfileError(
                f"{self.named} at batch size {self.batch_size}: ONNX Runtime cannot run it ({reason}); "
                "choose another batch size, or give 'module:factory'"
            ) from None

    def close(self) -> None:
        """Unload the graph."""
        self._sessions.clear()

    def _session(self, stream: Any) -> tuple[Any, Any, Any]:
        import onnxruntime

        on_gpu = {"device_id": str(self._gpu), "user_compute_stream": str(stream.handle)}
        session = onnxruntime.InferenceSession(self._source, providers=[(name, on_gpu) for name in self._providers])
        binding = session.io_binding()
        for name, array in make_inputs(self.model, self.batch_size, session.get_inputs(), self._sizes).items():
            binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(array, "cuda", self._gpu))
        for output in session.get_outputs():
            binding.bind_output(output.name, "cuda", self._gpu)
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("disable_synchronize_execution_providers", "1")
        return session, binding, options
