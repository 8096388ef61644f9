"""Run an ONNX graph on the CPU by ONNX Runtime, one thread a session: the thread that runs it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isim.errors import ProfileError

if TYPE_CHECKING:
    import onnxruntime

_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_WHOLE_TYPES = {"tensor(int64)": np.int64, "tensor(int32)": np.int32, "tensor(bool)": np.bool_}


class OnnxWorkload:
    """One graph at one batch size, with fixed inputs: random numbers, or zeros where it takes whole numbers.

    Parameters
    ----------
    content
        The `.onnx` file's, or its path (its weights may lie beside it).
    sizes
        Length of each dimension the graph leaves open, by its name; the first dimension is the batch.
    profile_prefix
        Where ONNX Runtime's own profiler writes; None leaves it off.

    Raises
    ------
    ProfileError
        The graph cannot be loaded, or its inputs cannot be made.

    Examples
    --------
    >>> from isim.profiler.workloads.zoo import build_model
    >>> workload = OnnxWorkload("mlp", build_model("mlp"), batch_size=2, sizes={})
    >>> workload.run()
    >>> workload.close()
    """

    def __init__(
        self,
        model: str,
        content: bytes | Path,
        batch_size: int,
        sizes: dict[str, int],
        profile_prefix: Path | None = None,
    ) -> None:
        import onnxruntime

        self.model, self.batch_size = model, batch_size
        self.content, self.sizes = content, sizes
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors come as exceptions
        if profile_prefix is not None:
            options.enable_profiling = True
            options.profile_file_prefix = str(profile_prefix)
        source = content if isinstance(content, bytes) else str(content)
        try:
            self.session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime raises a class a cause, none of them public
            raise ProfileError(f"{model}: ONNX Runtime cannot load it ({_first_line(error)}); check the file") from None
        self._inputs = make_inputs(model, batch_size, self.session.get_inputs(), sizes)

    def run(self, stream: Any = None) -> None:
        """Run one batch in the calling thread.

        Raises
        ------
        ProfileError
            The graph fails on these inputs.
        """
        try:
            self.session.run(None, self._inputs)
        except Exception as error:
            raise ProfileError(
                f"{self.model} at batch size {self.batch_size}: ONNX Runtime cannot run it ({_first_line(error)}); "
                "choose another batch size, or give 'module:factory' with inputs that fit"
            ) from None

    def close(self) -> None:
        """Unload the graph."""
        del self.session


def make_inputs(
    model: str, batch_size: int, inputs: "list[onnxruntime.NodeArg]", sizes: dict[str, int]
) -> dict[str, npt.NDArray[Any]]:
    """Return an array for every input of a graph.

    Raises
    ------
    ProfileError
        The graph has a fixed batch size that is another one, a dimension without length, or an odd type.
    """
    random = np.random.default_rng(0)
    arrays: dict[str, npt.NDArray[Any]] = {}
    problems = []
    for value in inputs:
        shape: list[Any] = [sizes.get(length, length) if isinstance(length, str) else length for length in value.shape]
        if shape and not isinstance(shape[0], int):
            shape[0] = batch_size
        if shape and shape[0] != batch_size:
            problems.append(
                f"{model}: input {value.name!r} has a fixed batch size of {shape[0]} (asked: {batch_size}); "
                f"ask for that one, or export the model with an open batch dimension"
            )
        for length in shape[1:]:
            if not isinstance(length, int):
                problems.append(
                    f"{model}: input {value.name!r} leaves dimension {length!r} open; say its length: "
                    f"'{model}.onnx?{length}=128'"
                )
        if problems:
            continue
        if value.type in _TYPES:
            arrays[value.name] = random.standard_normal(shape).astype(_TYPES[value.type])
        elif value.type in _WHOLE_TYPES:
            arrays[value.name] = np.zeros(shape, _WHOLE_TYPES[value.type])
        else:
            problems.append(f"{model}: input {value.name!r} is of type {value.type}; give 'module:factory' instead")
    if problems:
        raise ProfileError(*problems)
    return arrays


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
