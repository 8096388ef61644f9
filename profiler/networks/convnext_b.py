"""ConvNeXt-B (Liu et al., 2022) at 224 x 224."""

from isim.profiler.networks.network import Image, Network


def convnext_b(batch_size: int) -> Network:
    """Build ConvNeXt-B: 36 blocks of a depthwise convolution, a layer norm and two linear layers, in four stages.

    Examples
    --------
    >>> network = convnext_b(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (88591464, 15354729472, 155)
    """
    image = Image(3, 224, 224)
    network = Network(batch_size, input_bytes=batch_size * image.elements * 4, output_bytes=batch_size * 1000 * 4)
    for stage, (blocks, width) in enumerate(((3, 128), (3, 256), (27, 512), (3, 1024))):
        if stage == 0:
            image = network.conv("stem.conv", image, width, kernel=4, stride=4)
            network.norm("stem.norm", batch_size * image.height * image.width, width)
        else:
            network.norm(f"downsample{stage}.norm", batch_size * image.height * image.width, image.channels)
            image = network.conv(f"downsample{stage}.conv", image, width, kernel=2, stride=2)
        rows = batch_size * image.height * image.width
        for block in range(blocks):
            name = f"stage{stage}.{block}"
            network.depthwise(f"{name}.depthwise", image, kernel=7)
            network.norm(f"{name}.norm", rows, width)
            network.linear(f"{name}.expand", rows, width, 4 * width)
            network.linear(f"{name}.contract", rows, 4 * width, width, residual=True, scale=width)
    network.pool("pool", image, image.height, 1)
    network.norm("norm", batch_size, image.channels)
    network.linear("classifier", batch_size, image.channels, 1000)
    return network
