"""ResNet-50 (He et al., 2016), the variant that strides in the 3x3 convolution, at 224 x 224."""

from isim.profiler.networks.network import Image, Network


def resnet50(batch_size: int) -> Network:
    """Build ResNet-50: a stem, 16 bottlenecks of three convolutions, four of them with a projection, and a classifier.

    Examples
    --------
    >>> network = resnet50(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (25530472, 4089184256, 56)
    """
    image = Image(3, 224, 224)
    network = Network(batch_size, input_bytes=batch_size * image.elements * 4, output_bytes=batch_size * 1000 * 4)
    image = network.pool("stem.pool", network.conv("stem.conv", image, 64, kernel=7, stride=2), 3, 2, padding=1)
    for stage, (blocks, width) in enumerate(((3, 64), (4, 128), (6, 256), (3, 512)), start=1):
        for block in range(blocks):
            name = f"stage{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            if block == 0:
                network.conv(f"{name}.project", image, 4 * width, kernel=1, stride=stride)
            image = network.conv(f"{name}.conv1", image, width, kernel=1)
            image = network.conv(f"{name}.conv2", image, width, kernel=3, stride=stride)
            image = network.conv(f"{name}.conv3", image, 4 * width, kernel=1, residual=True)
    network.pool("pool", image, image.height, 1)
    network.linear("classifier", batch_size, image.channels, 1000)
    return network
