"""The networks an analytic profile can be computed of, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from isim.profiler.nearest import known
from isim.profiler.networks.convnext_b import convnext_b
from isim.profiler.networks.network import Network
from isim.profiler.networks.resnet50 import resnet50
from isim.profiler.networks.roberta_b import roberta_b
from isim.profiler.networks.vgg19 import vgg19
from isim.profiler.networks.vit_b_16 import vit_b_16
from isim.profiler.networks.yolov8n import yolov8n

MAX_SEQUENCE_LENGTH = 512


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What a network is, of one sample."""

    name: str
    title: str
    input: str
    parameters: int
    multiply_adds: int
    kernels: int


_IMAGES: Mapping[str, tuple[str, str, Callable[[int], Network]]] = MappingProxyType(
    {
        "convnext_b": ("ConvNeXt-B", "3 x 224 x 224", convnext_b),
        "resnet50": ("ResNet-50", "3 x 224 x 224", resnet50),
        "vgg19": ("VGG-19", "3 x 224 x 224", vgg19),
        "vit_b_16": ("ViT-B/16", "3 x 224 x 224", vit_b_16),
        "yolov8n": ("YOLOv8n", "3 x 640 x 640", yolov8n),
    }
)


def network_names() -> tuple[str, ...]:
    """Return the names of all networks, sorted.

    Examples
    --------
    >>> network_names()
    ('convnext_b', 'resnet50', 'roberta_b', 'vgg19', 'vit_b_16', 'yolov8n')
    """
    return tuple(sorted([*_IMAGES, "roberta_b"]))


def build_network(name: str, batch_size: int, sequence_length: int = 128) -> Network:
    """Build a network at one batch size; only text networks look at the sequence length (tokens).

    Raises
    ------
    ProfileError
        No network has this name; the message names the nearest.

    Examples
    --------
    >>> build_network("resnet51", batch_size=1)
    Traceback (most recent call last):
    isim.errors.ProfileError: no network 'resnet51' (known: convnext_b, ...); did you mean 'resnet50'?
    """
    known(name, network_names(), "network")
    return roberta_b(batch_size, sequence_length) if name == "roberta_b" else _IMAGES[name][2](batch_size)


def network_facts(name: str, sequence_length: int = 128) -> NetworkFacts:
    """Return what a network is: its published title, input, and what its layers' shapes add up to.

    Examples
    --------
    >>> network_facts("resnet50").kernels
    56
    """
    network = build_network(name, 1, sequence_length)
    title, input_shape = ("RoBERTa-B", f"{sequence_length} tokens") if name == "roberta_b" else _IMAGES[name][:2]
    return NetworkFacts(name, title, input_shape, network.parameters, network.multiply_adds, len(network.operations))
