"""The engine with queries one at a time against measured serving, and the scheduler's rounds by hand."""

from pathlib import Path

import numpy as np
import pytest
from rounds import Rounds
from serving_logs import compare

from isim.policies.rehearsal import rehearse


@pytest.mark.timeout(600)
def test_latency_and_drops_of_fcfs(shared_data: Path) -> None:
    found = compare(shared_data)
    assert len(found) == 20
    for load_per_s, bars in ((50, (0.08, 0.11, 0.08)), (100, (0.05, 0.05, 0.05))):
        errors = [each.errors() for each in found if each.load_per_s == load_per_s]
        for name, bar in zip(("mean", "p50", "p99"), bars, strict=True):
            assert np.mean([abs(error[name]) for error in errors]) <= bar, (load_per_s, name)
        assert np.mean([abs(error["dropped"]) for error in errors]) <= 0.025


def test_a_round_takes_the_head_of_each_queue() -> None:
    """The second round has one of each model by arrival, though two of model a arrived before b's."""
    arrivals = [("a", 0.000), ("a", 0.001), ("a", 0.002), ("b", 0.003)]
    assert str(rehearse(Rounds(), arrivals)) == "0 ms: a 0\n10 ms: a 1\n20 ms: b 3\n30 ms: a 2"


def test_sequence_lengths_of_one_model_share_a_queue() -> None:
    arrivals = [("a", 0.000), ("t-seq8", 0.001), ("t-seq64", 0.002), ("a", 0.003)]
    assert str(rehearse(Rounds(), arrivals)) == "0 ms: a 0\n10 ms: t-seq8 1\n20 ms: a 3\n30 ms: t-seq64 2"


def test_drops_what_is_past_its_deadline() -> None:
    """At 10 ms request 1 is 9 ms old and stays; at 20 ms request 2 is 18 ms old, its limit 15 ms."""
    arrivals = [("a", 0.000), ("a", 0.001), ("a", 0.002), ("a", 0.018)]
    found = rehearse(Rounds(), arrivals, slo_s=0.015)
    assert str(found) == "0 ms: a 0\n10 ms: a 1\n20 ms: drop 2\n20 ms: a 3"


def test_an_idle_server_takes_its_time_and_a_busy_one_does_not() -> None:
    arrivals = [("a", 0.000), ("a", 0.001), ("a", 0.050)]
    assert str(rehearse(Rounds(wake_s=0.002), arrivals)) == "2 ms: a 0\n12 ms: a 1\n52 ms: a 2"
