"""Specs of policies: names, files, parameters, and what is said when they are wrong."""

import pickle
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from isim.errors import ContentionError, PolicyError
from isim.plugins import list_plugins, load_plugin
from isim.policies.dynamic import Dynamic
from isim.policies.policy import Policy
from isim.policies.registry import make_policy, parse_policy

KNOWN = ", ".join(sorted(entry.name for entry in entry_points(group="isim.policies")))


@pytest.mark.parametrize(
    ("spec", "parameters"),
    [
        ("fcfs", {}),
        ("greedy:", {}),
        (" greedy:max_batch=4 ", {"max_batch": 4}),
        ("greedy:max_batch=none", {"max_batch": None}),
        ("static:batch_size=4,max_delay=5ms", {"batch_size": 4, "max_delay_s": 0.005}),
        ("static:batch_size=4,max_delay_s=5ms", {"batch_size": 4, "max_delay_s": 0.005}),
        ("static:batch_size=4,max_delay_s=0.005", {"batch_size": 4, "max_delay_s": 0.005}),
        ("dynamic:preferred_batch_sizes=4/8", {"preferred_batch_sizes": (4, 8)}),
        ("dynamic:preferred_batch_sizes=4", {"preferred_batch_sizes": (4,)}),
        ("dynamic:timeout=1s, timeout_action=delay", {"timeout_s": 1.0, "timeout_action": "delay"}),
    ],
)
def test_reads_parameters(spec: str, parameters: dict[str, Any]) -> None:
    policy = make_policy(spec)
    assert parse_policy(spec) == (type(policy), parameters)
    assert {name: getattr(policy, name) for name in parameters} == parameters


@pytest.mark.parametrize(
    ("spec", "problems"),
    [
        (
            "dynamc:max_batch=4",
            [
                f"policy dynamc: unknown (known: {KNOWN}); did you mean dynamic?; "
                "one of your own is written path/to/file.py:Class"
            ],
        ),
        ("zzz", [f"policy zzz: unknown (known: {KNOWN}); one of your own is written path/to/file.py:Class"]),
        ("", [f"policy '': unknown (known: {KNOWN}); one of your own is written path/to/file.py:Class"]),
        ("fcfs:max_batch=4", ["policy fcfs: no parameter max_batch (has: none); leave it out"]),
        ("greedy:max_bach=4", ["policy greedy: no parameter max_bach (has: max_batch); did you mean max_batch?"]),
        (
            "dynamic:max_batch={4,8},max_queue_delay=2ms",
            [
                "policy dynamic: braces stand for several variants, which only --policy of 'isim compare' and "
                "[[variant]] take (found '{4,8}'); write one value"
            ],
        ),
        ("greedy:max_batch", ["policy greedy: not a parameter (found 'max_batch'); write name=value, name=value"]),
        (
            "greedy:max_batch=4,max_batch=8",
            ["policy greedy: max_batch is given twice (found 'max_batch=8'); give it once"],
        ),
        ("static", ["policy static: batch_size is missing (found ''); add batch_size=value"]),
        (
            "static:batch_size=x,max_delay=5,foo=1",
            [
                "policy static: batch_size is of another type (found 'x'); give a whole number, such as 8",
                "policy static: max_delay_s: not a duration (found '5'); "
                "write a number and a unit of ns, us, ms, s, m, min, h, such as 5ms, 2s",
                "policy static: no parameter foo (has: batch_size, max_delay_s); leave it out",
            ],
        ),
        (
            "dynamic:preferred_batch_sizes=4+8",
            [
                "policy dynamic: preferred_batch_sizes is no list of its type (found '4+8'); give one value, or "
                "several with a / between, such as 4/8"
            ],
        ),
        (
            "dynamic:timeout_action=drop",
            ["policy dynamic: timeout_action has no such choice (found 'drop'); give reject or delay"],
        ),
        (
            "dynamic:max_batch=0,timeout=-1ms",
            [
                "policy dynamic: max_batch is out of range (found 0); give a whole number of at least 1",
                "policy dynamic: timeout_s is out of range (found -0.001); give more than 0 seconds",
            ],
        ),
    ],
)
def test_says_what_is_wrong(spec: str, problems: list[str]) -> None:
    with pytest.raises(PolicyError) as error:
        make_policy(spec)
    assert list(error.value.problems) == problems


MINE = """\
from isim.policies.policy import Dispatch

class Mine:
    def __init__(self, keep: int = 1, fast: bool = False, rate_rps: float = 1.0, untyped=2, odd: dict = None):
        self.keep, self.fast, self.rate_rps, self.untyped, self.odd = keep, fast, rate_rps, untyped, odd
        self.part = 1 / keep

    def decide(self, view, event):
        return []

class Passive:
    def observe(self): ...

class Old:
    def decide(self, request): ...
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = Path("mine.py")
    path.write_text(MINE)
    return path


def test_loads_from_a_file(file: Path) -> None:
    policy: Any = make_policy("mine.py:Mine:keep=2,fast=true,rate=2krps,untyped=7")
    assert (policy.keep, policy.fast, policy.rate_rps, policy.untyped) == (2, True, 2000.0, 7)
    assert pickle.loads(pickle.dumps(policy)).keep == 2
    assert type(make_policy(f"{file.resolve()}:Mine")) is type(policy)


def test_loads_an_edited_file_anew(file: Path) -> None:
    before = type(make_policy("mine.py:Mine"))
    file.write_text(MINE.replace("return []", "return ()"))
    assert type(make_policy("mine.py:Mine")) is not before


@pytest.mark.parametrize(
    ("text", "spec", "message"),
    [
        (
            "",
            "none.py:Mine",
            "policy none.py: cannot be read (No such file or directory); give the path of a Python file",
        ),
        (MINE, "mine.py", "policy mine.py: names no class (classes in it: Mine, Old, Passive); write mine.py:Mine"),
        (
            MINE,
            "mine.py:Mime",
            "policy mine.py: no class 'Mime' (classes in it: Mine, Old, Passive); write mine.py:Mine",
        ),
        (
            MINE,
            "mine.py:Dispatch2",
            "policy mine.py: no class 'Dispatch2' (classes in it: Mine, Old, Passive); write mine.py:Mine",
        ),
        ("x = 1\n", "mine.py:Mine", "policy mine.py: no class 'Mine' (classes in it: none); write mine.py:Class"),
        (
            "def f(:\n",
            "mine.py:Mine",
            "policy mine.py:1: not valid Python (invalid syntax: def f(:); correct that line",
        ),
        (
            "\n\nlimit = undefined\n",
            "mine.py:Mine",
            "policy mine.py:3: NameError (name 'undefined' is not defined); correct that line",
        ),
        (
            MINE,
            "mine.py:Mine:keep=0",
            "policy mine.py:Mine:keep=0: Mine raised ZeroDivisionError at mine.py:6 (division by zero); "
            "correct the parameters or the class",
        ),
        (
            MINE,
            "mine.py:Mine:odd=1",
            "policy mine.py:Mine: odd cannot be given as text (its type is dict); set it from Python",
        ),
        (MINE, "mine.py:Mine:fast=1", "policy mine.py:Mine: fast is of another type (found '1'); give true or false"),
        (
            MINE,
            "mine.py:Passive",
            "policy mine.py:Passive: no method decide (has: observe); add decide(self, view, event)",
        ),
        (
            MINE,
            "mine.py:Old",
            "policy mine.py:Old: decide takes other arguments (found decide(request)); write decide(self, view, event)",
        ),
    ],
)
def test_says_what_is_wrong_in_a_file(file: Path, text: str, spec: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(PolicyError) as error:
        make_policy(spec)
    assert str(error.value) == message


def test_a_faulty_file_can_be_corrected(file: Path) -> None:
    file.write_text(MINE + "undefined\n")
    with pytest.raises(PolicyError, match="NameError"):
        make_policy("mine.py:Mine")
    with pytest.raises(PolicyError, match="NameError"):  # nothing half-made was kept
        make_policy("mine.py:Mine")
    file.write_text(MINE)
    assert make_policy("mine.py:Mine").decide(None, None) == []  # type: ignore[arg-type]


def test_lists_what_is_installed() -> None:
    listed = {plugin.name: plugin for plugin in list_plugins("isim.policies")}
    assert ", ".join(listed) == KNOWN
    assert {"dynamic", "edf", "fcfs", "greedy", "static"} <= set(listed)
    assert listed["fcfs"].parameters == {}
    assert listed["static"].parameters == {"batch_size": "required", "max_delay_s": "none"}
    assert listed["dynamic"].parameters["max_queue_delay_s"] == "0.0"
    assert listed["greedy"].summary == (
        "Batch whatever waits for the model with the oldest request, whenever a slot is free."
    )


def test_other_kinds_name_themselves() -> None:
    with pytest.raises(ContentionError) as error:
        load_plugin("contention model", "isim.no-such-group", "fair", ContentionError)
    assert str(error.value) == (
        "contention model fair: unknown (known: none); one of your own is written path/to/file.py:Class"
    )


def test_policies_satisfy_the_contract() -> None:
    policy: Policy = Dynamic()  # for the type checker
    assert callable(policy.decide)


def test_an_annotation_that_cannot_be_looked_up_is_read_as_its_default_is(tmp_path: Path) -> None:
    path = tmp_path / "annotated.py"
    path.write_text(
        "from __future__ import annotations\n\nclass Mine:\n    def __init__(self, limit: Missing = 4):\n"
        "        self.limit = limit\n\n    def decide(self, view, event):\n        return ()\n"
    )
    policy: Any = make_policy(f"{path}:Mine:limit=8")
    assert policy.limit == 8


def test_a_path_that_no_file_can_have_is_one_sentence() -> None:
    with pytest.raises(PolicyError, match=r"^policy a\x00.py: cannot be read \(embedded null byte\); give the path"):
        make_policy("a\0.py:Mine")
