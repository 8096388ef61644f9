"""What a user's MODEL means: an `.onnx` file, `module:factory`, or a model of the zoo."""

from pathlib import Path
from typing import NamedTuple

from isim.errors import ProfileError
from isim.profiler.workloads.zoo import zoo_names


class OnnxFile(NamedTuple):
    """An `.onnx` file, and the lengths of dimensions it leaves open."""

    path: Path
    sizes: dict[str, int]


class Factory(NamedTuple):
    """A function of the batch size that returns what runs one batch."""

    spec: str


class BuiltIn(NamedTuple):
    """A model of the zoo."""

    name: str


def named_model(text: str) -> OnnxFile | Factory | BuiltIn:
    """Return what MODEL means.

    Raises
    ------
    ProfileError
        It is none of the three, or the file is missing.

    Examples
    --------
    >>> named_model("my_models:bert")
    Factory(spec='my_models:bert')
    >>> named_model("resnet17")
    Traceback (most recent call last):
    isim.errors.ProfileError: resnet17: no such model (built in: depthwise, ...); name an .onnx file, ...
    """
    name, _, rest = text.partition("?")
    if name.endswith(".onnx"):
        if not Path(name).is_file():
            raise ProfileError(f"{name}: no such file; name an .onnx file")
        pairs = [pair.partition("=") for pair in rest.split("&") if pair]
        if not all(value.isdecimal() for _, _, value in pairs):
            raise ProfileError(f"{text}: {rest!r} gives no lengths; write 'model.onnx?sequence=128&width=64'")
        return OnnxFile(Path(name), {key: int(value) for key, _, value in pairs})
    if ":" in text:
        return Factory(text)
    if text not in zoo_names():
        raise ProfileError(
            f"{text}: no such model (built in: {', '.join(zoo_names())}); "
            "name an .onnx file, module:factory, or one of these"
        )
    return BuiltIn(text)


def model_name(text: str) -> str:
    """Return what recordings call a MODEL: the file's or factory's name.

    Examples
    --------
    >>> model_name("models/bert.onnx?sequence=128"), model_name("my_models:gpt"), model_name("mlp")
    ('bert', 'gpt', 'mlp')
    """
    name = text.partition("?")[0]
    return Path(name).stem if name.endswith(".onnx") else name.rpartition(":")[2]
