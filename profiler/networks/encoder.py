"""The transformer encoder that ViT and RoBERTa share."""

from isim.profiler.networks.network import Network


def add_encoder(network: Network, layers: int, tokens: int, width: int, heads: int) -> None:
    """Add encoder layers of seven kernels; norm first or last is the same set of kernels in another order.

    Parameters
    ----------
    tokens
        Tokens a sample.
    width
        Width of a token; the hidden layer of the perceptron is four times as wide.

    Examples
    --------
    >>> network = Network(batch_size=1, input_bytes=0, output_bytes=0)
    >>> add_encoder(network, layers=12, tokens=128, width=768, heads=12)
    >>> len(network.operations), round(network.parameters / 1e6)
    (84, 85)
    """
    rows = network.batch_size * tokens
    for layer in range(layers):
        name = f"layer{layer}"
        network.norm(f"{name}.norm1", rows, width)
        network.linear(f"{name}.qkv", rows, width, 3 * width)
        network.attention(f"{name}.attention", tokens, width, heads)
        network.linear(f"{name}.out", rows, width, width, residual=True)
        network.norm(f"{name}.norm2", rows, width)
        network.linear(f"{name}.expand", rows, width, 4 * width)
        network.linear(f"{name}.contract", rows, 4 * width, width, residual=True)
