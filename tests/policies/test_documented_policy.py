"""The policy printed in docs/write-a-policy.md does what the page says."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from worlds import kernel, profile_of, simulate

from isim.contention.none import NoContention
from isim.policies.checks import DECISION_CHECKS, POLICY_CHECKS, check_policy
from isim.policies.fcfs import Fcfs
from isim.policies.policy import Decision, Dispatch, Event, Request, Resident, View
from isim.policies.registry import make_policy
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

PAGE = (Path(__file__).parents[2] / "docs" / "write-a-policy.md").read_text(encoding="utf-8")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    source = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert source is not None
    path = tmp_path / "my_policy.py"
    path.write_text(source[1], encoding="utf-8")
    return f"{path}:Mine"


def test_it_passes_the_checks(spec: str) -> None:
    check_policy(lambda: make_policy(spec))


def test_the_checks_find_what_the_page_says(spec: str) -> None:
    with pytest.raises(AssertionError, match=r"^check_every_request_ends .* requests wait for ever"):
        check_policy(lambda: make_policy(f"{spec}:max_batch=4"))


def test_it_takes_parameters_as_printed(spec: str) -> None:
    policy: Any = make_policy(f"{spec}:max_batch=16,margin=2ms")
    assert (policy.max_batch, policy.margin_s) == (16, 0.002)


def test_it_drops_what_cannot_be_in_time(spec: str) -> None:
    """When the slot frees at 10 ms, request 1 would finish at 20 ms, 1 ms of margin included past its deadline."""
    arrivals = [("a", 0.000), ("a", 0.001), ("b", 0.004), ("a", 0.005)]
    rehearsal = rehearse(make_policy(spec), arrivals, solo_s=0.010, slo_s=0.0195)
    assert str(rehearsal) == "0 ms: a 0\n10 ms: drop 1\n10 ms: b 2\n20 ms: drop 3"


def test_the_page_lists_every_check() -> None:
    listed = set(re.findall(r"^\| `(check_\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {check.__name__ for check in (*DECISION_CHECKS, *POLICY_CHECKS)}


def test_the_gate_holds_large_kernels_beside_urgent_ones(tmp_path: Path) -> None:
    """The urgent kernel runs to 30 us; beside it a kernel of half of the SMs starts at once, a larger one after it."""
    source = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[2]
    path = tmp_path / "my_gate.py"
    path.write_text(source, encoding="utf-8")
    found: dict[str, Any] = {}
    exec(compile(source, str(path), "exec"), found)

    class Gated(Fcfs):
        gate = found["Half"]()

        def decide(self, view: View, event: Event) -> Iterable[Decision]:
            for decision in super().decide(view, event):
                assert isinstance(decision, Dispatch)
                yield decision._replace(priority=int(decision.requests[0].model == "urgent"))

    small, large, urgent = (kernel(us * 1000, sm=0.5, sm_needed=share) for us, share in ((10, 0.5), (10, 0.6), (30, 1)))
    profile = profile_of({("urgent", 1): [urgent], ("small", 1): [small], ("large", 1): [large]})
    trace = Trace.from_columns(arrival_ns=[0, 0, 0], model=["urgent", "small", "large"])
    log, _ = simulate(profile, Replay(trace), Gated(), NoContention(), 3, sharing=Sharing(launch_s=0.0))
    assert {b.model: round(b.finished_s * 1e6) for b in log.batches} == {"urgent": 30, "small": 10, "large": 40}


def test_the_impatient_policy_clears_a_slot(tmp_path: Path) -> None:
    """The urgent request at 4 ms has the slot once that was given up, at once here; the other goes on for its 6 ms."""
    source = re.search(r"```python\n(from [^`]*class Impatient.*?)```", PAGE, re.DOTALL)
    assert source is not None
    path = tmp_path / "impatient.py"
    path.write_text(source[1], encoding="utf-8")
    check_policy(lambda: make_policy(f"{path}:Impatient"))
    requests = [Request(0, "a", 0.0, 1.0, 0, 1, 1.0), Request(1, "b", 0.004, 1.0, 1, 1, 1.0)]
    policy = make_policy(f"{path}:Impatient")
    assert str(Rehearsal(policy, requests, slots=1, profile=FixedProfile((1,), 0.010, 0.0)).run()) == (
        "0 ms: a 0\n4 ms: preempt batch 0\n4 ms: b 1\n14 ms: a 0"
    )


def test_the_page_names_all_that_is_known_of_a_resident() -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith("| `residents` |"))
    assert set(re.findall(r"`(\w+)`", row)) == {"residents", *(name for name in vars(Resident) if name[0] != "_")}
