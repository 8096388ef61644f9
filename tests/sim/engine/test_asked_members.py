"""What a policy asks a predictor about, against what the engine teaches it: the same members, or nothing is known."""

from collections.abc import Iterable

import pytest
from worlds import Log, kernel, profile_of

from isim.contention.leftover import Leftover
from isim.engine.members import members_of
from isim.engine.partitions import under_sharing
from isim.engine.simulation import Simulation
from isim.operations import Operations
from isim.policies.policy import Decision, Dispatch, Event, View
from isim.policies.predictors.members import Members
from isim.policies.predictors.predictor import Member
from isim.sharing_modes import Sharing
from isim.traces.trace import Trace
from isim.workload import Replay

PROFILE = profile_of({(model, 1): [kernel(1_000_000, sm=0.5, memory=0.5)] for model in "ab"})


class Asking:
    """Dispatch one by one, and keep the member that it would ask about."""

    def __init__(self) -> None:
        self.members = Members()
        self.asked: dict[str, Member] = {}

    def decide(self, view: View, event: Event) -> Iterable[Decision]:
        for model, queue in view.queues.items():
            if queue and view.free_slots:
                self.asked[model] = self.members.of(view.profile, model, 1)
                yield Dispatch((queue[0],))


@pytest.mark.parametrize("sharing", [Sharing(), Sharing("mps", shares={"a": 0.3})], ids=["streams", "mps"])
def test_a_policy_asks_about_the_members_that_are_taught(sharing: Sharing) -> None:
    operations = under_sharing(Operations(PROFILE, "ab"), PROFILE, sharing)
    policy = Asking()
    trace = Trace.from_columns(arrival_ns=[0, 0], model=["a", "b"])
    Simulation(operations, Replay(trace), policy, Leftover(), 2, Log(), sharing=sharing).run()
    taught = members_of(operations, sharing)
    for model in "ab":
        assert policy.asked[model].sm_share == taught[model, 1].sm_share == sharing.share(model)
        assert policy.asked[model].solo_s == taught[model, 1].solo_s
