"""A user's callable on a GPU: how it is called and what its mistakes become; needs no GPU."""

import sys

import pytest

from isim.errors import ProfileError
from isim.profiler.device.cuda_models import CallableOnCuda


class Unsigned:
    """A callable of which Python cannot tell the parameters, as compiled ones are."""

    __signature__ = 0

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


@pytest.fixture(autouse=True)
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_what_it_raises_is_a_sentence_also_when_it_exits() -> None:
    workload = CallableOnCuda("mine:exits", 4, lambda: sys.exit(0))
    with pytest.raises(ProfileError) as raised:
        workload.run(object())
    here = test_what_it_raises_is_a_sentence_also_when_it_exits.__code__.co_firstlineno + 1
    message = str(raised.value)
    assert message.startswith("mine:exits at batch size 4: raised SystemExit at ")
    assert message.endswith(f"test_cuda_models.py:{here} (0); correct that line")


def test_it_gets_the_stream_if_it_takes_one() -> None:
    got: list[object] = []
    stream = object()
    CallableOnCuda("mine:takes", 1, got.append).run(stream)
    assert got == [stream]


def test_one_whose_parameters_are_unknown_gets_none() -> None:
    call = Unsigned()
    CallableOnCuda("mine:unsigned", 1, call).run(object())
    assert call.calls == 1
