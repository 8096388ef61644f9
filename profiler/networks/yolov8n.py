"""YOLOv8n (Ultralytics, 2023) at 640 x 640 for 80 classes; non-maximum suppression is left to the host."""

from isim.profiler.networks.network import Image, Network

_CLASSES = 80
_BINS = 16  # of the distribution each side of a box is read from


def yolov8n(batch_size: int) -> Network:
    """Build YOLOv8n: backbone, pyramid neck and three detection heads; a concatenation costs no kernel.

    Examples
    --------
    >>> network = yolov8n(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (3151888, 4371456000, 70)
    """
    image = Image(3, 640, 640)
    anchors = (640 // 8) ** 2 + (640 // 16) ** 2 + (640 // 32) ** 2
    network = Network(
        batch_size,
        input_bytes=batch_size * image.elements * 4,
        output_bytes=batch_size * anchors * (4 + _CLASSES) * 4,
    )
    image = network.conv("0", image, 16, kernel=3, stride=2)
    image = network.conv("1", image, 32, kernel=3, stride=2)
    image = _split_block(network, "2", image, 32, bottlenecks=1, residual=True)
    image = network.conv("3", image, 64, kernel=3, stride=2)
    fine = _split_block(network, "4", image, 64, bottlenecks=2, residual=True)
    image = network.conv("5", fine, 128, kernel=3, stride=2)
    middle = _split_block(network, "6", image, 128, bottlenecks=2, residual=True)
    image = network.conv("7", middle, 256, kernel=3, stride=2)
    image = _split_block(network, "8", image, 256, bottlenecks=1, residual=True)
    coarse = _pyramid_pooling(network, "9", image)

    middle = _split_block(network, "12", _joined(_doubled(network, "10", coarse), middle), 128, bottlenecks=1)
    fine = _split_block(network, "15", _joined(_doubled(network, "13", middle), fine), 64, bottlenecks=1)
    image = network.conv("16", fine, 64, kernel=3, stride=2)
    middle = _split_block(network, "18", _joined(image, middle), 128, bottlenecks=1)
    image = network.conv("19", middle, 128, kernel=3, stride=2)
    coarse = _split_block(network, "21", _joined(image, coarse), 256, bottlenecks=1)

    for name, level in (("22.fine", fine), ("22.middle", middle), ("22.coarse", coarse)):
        for branch, width, outputs in (("box", 64, 4 * _BINS), ("class", _CLASSES, _CLASSES)):
            image = network.conv(f"{name}.{branch}.0", level, width, kernel=3)
            image = network.conv(f"{name}.{branch}.1", image, width, kernel=3)
            network.conv(f"{name}.{branch}.2", image, outputs, kernel=1)
    boxes, scores = (batch_size * anchors * outputs for outputs in (4, _CLASSES))
    network.pointwise("22.boxes", boxes * _BINS, boxes, instructions=5 * _BINS)  # softmax over bins, then its mean
    network.pointwise("22.scores", scores, scores, instructions=4)
    return network


def _split_block(
    network: Network, name: str, image: Image, channels: int, bottlenecks: int, residual: bool = False
) -> Image:
    half = channels // 2
    inner = network.conv(f"{name}.in", image, channels, kernel=1)._replace(channels=half)
    for block in range(bottlenecks):
        inner = network.conv(f"{name}.{block}.0", inner, half, kernel=3)
        inner = network.conv(f"{name}.{block}.1", inner, half, kernel=3, residual=residual)
    # Both halves of the first convolution and every bottleneck's output are joined.
    joined = inner._replace(channels=(2 + bottlenecks) * half)
    return network.conv(f"{name}.out", joined, channels, kernel=1)


def _pyramid_pooling(network: Network, name: str, image: Image) -> Image:
    inner = network.conv(f"{name}.in", image, image.channels // 2, kernel=1)
    for level in range(3):
        network.pool(f"{name}.pool{level}", inner, 5, 1, padding=2)
    return network.conv(f"{name}.out", inner._replace(channels=4 * inner.channels), image.channels, kernel=1)


def _doubled(network: Network, name: str, image: Image) -> Image:
    elements = network.batch_size * image.elements
    network.pointwise(name, elements, 4 * elements, instructions=2)
    return Image(image.channels, 2 * image.height, 2 * image.width)


def _joined(first: Image, second: Image) -> Image:
    return first._replace(channels=first.channels + second.channels)
