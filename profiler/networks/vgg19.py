"""VGG-19 without batch normalisation (Simonyan and Zisserman, 2015) at 224 x 224."""

from isim.profiler.networks.network import Image, Network


def vgg19(batch_size: int) -> Network:
    """Build VGG-19: 16 convolutions in five stages that end in a pooling, and three linear layers.

    Examples
    --------
    >>> network = vgg19(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (143667240, 19632062464, 24)
    """
    image = Image(3, 224, 224)
    network = Network(batch_size, input_bytes=batch_size * image.elements * 4, output_bytes=batch_size * 1000 * 4)
    for stage, (convolutions, channels) in enumerate(((2, 64), (2, 128), (4, 256), (4, 512), (4, 512)), start=1):
        for layer in range(convolutions):
            image = network.conv(f"stage{stage}.conv{layer}", image, channels, kernel=3)
        image = network.pool(f"stage{stage}.pool", image, 2, 2)
    network.linear("classifier.0", batch_size, image.elements, 4096)
    network.linear("classifier.1", batch_size, 4096, 4096)
    network.linear("classifier.2", batch_size, 4096, 1000)
    return network
