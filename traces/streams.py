"""Independent streams of random numbers, each found by its name."""

import hashlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the random numbers that `seed` holds under `names`; the other streams do not change it.

    Parameters
    ----------
    seed
        A whole number >= 0.

    Examples
    --------
    >>> [int(stream(1, "arrivals", model).integers(100)) for model in ("bert", "resnet50", "bert")]
    [37, 70, 37]
    """
    key = hashlib.sha256("\0".join(names).encode()).digest()
    words = [int.from_bytes(key[start : start + 4], "little") for start in range(0, 16, 4)]
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))
