"""RoBERTa-B (Liu et al., 2019) with its pooler, of any sequence length up to 512 tokens."""

from isim.profiler.networks.encoder import add_encoder
from isim.profiler.networks.network import Network

_WIDTH = 768
_VOCABULARY = 50_265
_POSITIONS = 514  # 512 usable: the first two are reserved for padding


def roberta_b(batch_size: int, sequence_length: int = 128) -> Network:
    """Build RoBERTa-B: embeddings, 12 encoder layers and the pooler of the first token.

    Examples
    --------
    >>> network = roberta_b(batch_size=1)
    >>> network.parameters, network.multiply_adds, len(network.operations)
    (124645632, 11174215680, 86)
    """
    rows = batch_size * sequence_length
    # Token ids and the attention mask go in as int32; the last hidden state and the pooled token come out.
    network = Network(batch_size, input_bytes=rows * 2 * 4, output_bytes=(rows + batch_size) * _WIDTH * 4)
    # One gather of three rows a token, their sum and its layer norm; of the tables only these rows are read.
    network.pointwise(
        "embed",
        inputs=2 * rows,
        outputs=rows * _WIDTH,
        instructions=12,
        parameters=(_VOCABULARY + _POSITIONS + 1 + 2) * _WIDTH,
        weights_read=3 * rows * _WIDTH,
    )
    add_encoder(network, layers=12, tokens=sequence_length, width=_WIDTH, heads=12)
    network.linear("pooler", batch_size, _WIDTH, _WIDTH)
    return network
