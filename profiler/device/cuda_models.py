"""Load what a user names as a model onto a GPU; what is imported is imported when it is needed."""

import importlib.util
import inspect
import sys
from collections.abc import Callable
from typing import Any

from isim.errors import ProfileError
from isim.profiler.device.contract import Workload
from isim.profiler.device.stressor import Stressor, is_stressor
from isim.profiler.workloads.callable_workload import call_factory, call_fault
from isim.profiler.workloads.named import BuiltIn, Factory, model_name, named_model
from isim.profiler.workloads.zoo import build_model


def load_cuda_model(model: str, batch_size: int, gpu: int) -> Workload:
    """Load a stressor, an ONNX file, what `module:factory` makes, or a model of the zoo.

    Parameters
    ----------
    gpu
        Number of the GPU whose context is current.

    Raises
    ------
    ProfileError
        It cannot be loaded.
    """
    if is_stressor(model):
        import pycuda.driver as cuda

        return Stressor(model, batch_size, cuda.Device(gpu))
    named = named_model(model)
    if isinstance(named, Factory):
        return CallableOnCuda(model, batch_size, call_factory(named.spec, batch_size))
    for package in ("onnxruntime", "onnx")[: 2 if isinstance(named, BuiltIn) else 1]:
        if importlib.util.find_spec(package) is None:
            raise ProfileError(f"{model}: needs {package}, which is not installed; install onnxruntime-gpu and onnx")
    from isim.profiler.device.onnx_on_cuda import OnnxOnCuda

    content = build_model(named.name) if isinstance(named, BuiltIn) else named.path
    return OnnxOnCuda(model, content, batch_size, {} if isinstance(named, BuiltIn) else named.sizes, gpu)


class CallableOnCuda:
    """Call a function once a batch, which may return before its work on the GPU is done.

    Where PyTorch was imported, its current stream is the batch's; a function with a parameter gets the pycuda stream.
    """

    def __init__(self, named: str, batch_size: int, call: Callable[..., object]) -> None:
        self.named = named
        self.model = model_name(named)
        self.batch_size = batch_size
        if not callable(call):
            raise ProfileError(f"{named}: the factory returned no function (found {type(call).__name__}); return one")
        self._call = call
        try:
            self._takes_stream = bool(inspect.signature(call).parameters)
        except (TypeError, ValueError):  # of what is compiled they are not always known
            self._takes_stream = False

    def run(self, stream: Any) -> None:
        """Queue one batch on a pycuda stream.

        Raises
        ------
        ProfileError
            The function raised; an error of the driver passes through.
        """
        arguments = (stream,) if self._takes_stream else ()
        try:
            torch = sys.modules.get("torch")
            if torch is None:
                self._call(*arguments)
            else:
                with torch.inference_mode(), torch.cuda.stream(torch.cuda.ExternalStream(stream.handle)):
                    self._call(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() is no Exception
            if type(error).__module__ == "pycuda._driver":
                raise
            raise call_fault(error, f"{self.named} at batch size {self.batch_size}", self._call) from error

    def close(self) -> None:
        """Forget the function and what it holds."""
        del self._call
