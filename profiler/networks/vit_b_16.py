"""ViT-B/16 (Dosovitskiy et al., 2021) at 224 x 224: 196 patches and a class token."""

from isim.profiler.networks.encoder import add_encoder
from isim.profiler.networks.network import Image, Network

_WIDTH = 768


def vit_b_16(batch_size: int) -> Network:
    """Build ViT-B/16: a patch projection, 12 encoder layers and a classifier of the class token.

    Examples
    --------
    >>> network = vit_b_16(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (86567656, 17563828224, 88)
    """
    image = Image(3, 224, 224)
    network = Network(batch_size, input_bytes=batch_size * image.elements * 4, output_bytes=batch_size * 1000 * 4)
    image = network.conv("patches", image, _WIDTH, kernel=16, stride=16)
    tokens = image.height * image.width + 1
    elements = batch_size * tokens * _WIDTH
    # Prepend the class token and add the position of each token.
    network.pointwise("embed", elements, elements, instructions=2, parameters=(tokens + 1) * _WIDTH)
    add_encoder(network, layers=12, tokens=tokens, width=_WIDTH, heads=12)
    network.norm("norm", batch_size * tokens, _WIDTH)
    network.linear("classifier", batch_size, _WIDTH, 1000)
    return network
