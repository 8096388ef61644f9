"""How long the processes of KACE's two campaigns of pairs ran beside each other."""

from dataclasses import replace

from isim.profiler.importers.recordings.experiment import Execution

CAMPAIGNS = frozenset({"0624", "MPS100_0624"})
"""The column `campaign` of pairs that `share_throughput.sh` of KACE's artifact ran."""
_TRAINING = "-train"
_BATCHES, _TRAINING_BATCHES = 391, 191
"""What a mean is over: the second process ends after 400 batches, or 200 steps of training; the parser drops nine."""
_MOST_BATCHES = 10_000
"""After which the first process ends, if it is inference."""
_SAMPLES, _BERT_SAMPLES = 10_000, 30_000
"""What data ViT, wav2vec2 and whisper have, and BERT; a process ends when it has gone through them."""
_ALONE_NS = 2_300_000_000
"""How long the first process ran alone, which its throughput counts.

The script lets it run until it is killed, a second and more after the second process has ended. Pairs of one workload
tell how long in all, without any kernel table or solo throughput: of the eight pairs that have no kernel table and that
the GPU bounds, 2.3 s in the median (2.1 to 3.2) under time-slicing and 2.3 s (1.5 to 2.9) under MPS, for stretches
together of 16 to 210 s.
"""


def until_the_second_ended(first: Execution, second: Execution) -> tuple[Execution, Execution]:
    """Note after how many batches the second process ended, and how long the first ran on alone.

    Both stay as they are where a duration is missing or the first had too few data to outlast the second.

    Examples
    --------
    >>> first, second = Execution(0, "bert", 8, 1e7), Execution(1, "vit", 8, 1e6)
    >>> [(each.batches, each.alone_ns) for each in until_the_second_ended(first, second)]
    [(None, 2300000000), (391, None)]
    """
    if not first.duration_ns or not second.duration_ns:
        return first, second
    batches = _TRAINING_BATCHES if second.model.endswith(_TRAINING) else _BATCHES
    samples = _BERT_SAMPLES if first.model.startswith("bert-") else _SAMPLES
    own_batches = min(_MOST_BATCHES, samples // first.batch_size)
    outlasts = own_batches * first.duration_ns > batches * second.duration_ns
    if not outlasts and not first.model.endswith(_TRAINING):
        return first, second
    return replace(first, alone_ns=_ALONE_NS), replace(second, batches=batches)
