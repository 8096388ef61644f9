"""Signals while something is half written."""

import signal

import pytest

from isim.interruption import undisturbed


def test_a_signal_takes_effect_also_where_what_was_not_to_be_cut_short_fails() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, undisturbed():
        signal.raise_signal(signal.SIGINT)
        raise OSError("the disk is full")
    assert isinstance(raised.value.__context__, OSError)
