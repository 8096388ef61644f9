from rehearsals import ByModel, poisson, serve
from worlds import kernel, profile_of, simulate

from isim.contention.constant import Constant
from isim.contention.none import NoContention
from isim.policies.clockwork import Clockwork
from isim.policies.policy import Request
from isim.policies.rehearsal import FixedProfile, Rehearsal, rehearse
from isim.traces.trace import Trace
from isim.workload import Replay

TWO = ByModel((1, 2, 4), {"long": (0.020, 0.0), "short": (0.002, 0.001)})


def test_goes_by_latest_start() -> None:
    """Due at 62 and 50 ms, long must start by 42, short by 47: long goes first, though it is due later."""
    dues_s = [("short", 1.0), ("short", 0.050), ("long", 0.062)]
    requests = [Request(i, model, i * 0.0001, due_s, 0, 1, 1.0) for i, (model, due_s) in enumerate(dues_s)]
    assert str(Rehearsal(Clockwork(), requests, 1, TWO).run()) == "0 ms: short 0\n3 ms: long 2\n23 ms: short 1"


def test_takes_the_largest_size_that_can_be_filled_in_time() -> None:
    """At 12 ms batches of 1, 2, 4 take 6, 8, 12 ms: the last would be done at 24, past most deadlines, so two go."""
    arrivals = [Request(0, "a", 0.0, 1.0, 0, 4, 1.0)]
    arrivals += [Request(i, "a", 0.001, due_s, 0, 1, 1.0) for i, due_s in enumerate((0.0205, 0.0205, 0.021, 0.0255), 1)]
    rehearsal = Rehearsal(Clockwork(), arrivals, 1, FixedProfile((1, 2, 4), 0.004, 0.002)).run()
    assert str(rehearsal) == "0 ms: a 0\n12 ms: a 1 2\n20 ms: drop 3 4"


def test_refuses_in_advance_what_cannot_be_in_time() -> None:
    """The slot is expected free at 10 ms, so request 1 would be done at 20, past 19; request 2 just in time."""
    assert str(rehearse(Clockwork(), [("a", 0.0), ("a", 0.001), ("a", 0.002)], slo_s=0.018)) == (
        "0 ms: a 0\n1 ms: reject 1\n10 ms: a 2"
    )


def test_buffer_is_taken_off_deadlines() -> None:
    assert str(rehearse(Clockwork(buffer_s=0.001), [("a", 0.0), ("a", 0.002)], slo_s=0.018)) == (
        "0 ms: a 0\n2 ms: reject 1"
    )


def test_excludes_sizes_that_take_too_long() -> None:
    """A batch of 2 takes 8 ms; of 4, 12 ms."""
    requests = [Request(i, "a", 0.0, 1.0, 0, 1, 1.0) for i in range(5)]
    rehearsal = Rehearsal(Clockwork(max_duration_s=0.010), requests, 1, FixedProfile((1, 2, 4), 0.004, 0.002)).run()
    assert str(rehearsal) == "0 ms: a 0\n6 ms: a 1 2\n14 ms: a 3 4"


def test_expects_a_high_percentile_of_the_last_measurements() -> None:
    """Two batches side by side take 3 ms each instead of 2: a third is refused that by the profile would be in time."""
    profile = profile_of({("m", 1): [kernel(2_000_000)]})
    arrivals_ns = [0, 0, 10_000_000, 10_000_000, 10_100_000]
    trace = Trace.from_columns(arrival_ns=arrivals_ns, model=["m"] * 5)
    ended = {}
    for measurements, percentile in ((10, 0.99), (10, 0.01)):
        log, _ = simulate(
            profile, Replay(trace, {"m": 0.0045}), Clockwork(percentile, measurements), Constant(1.5), slots=2
        )
        ended[percentile] = [request.request_id for request, how in log.ends if isinstance(how, int)]
    # 10 + 3 + 3 ms is past 10.1 + 4.5; so it is at any percentile of measurements that are all alike.
    assert ended == {0.99: [4], 0.01: [4]}
    log, _ = simulate(profile, Replay(trace, {"m": 0.0045}), Clockwork(), NoContention(), slots=2)
    assert [request for request, how in log.ends if isinstance(how, int)] == []  # 10 + 2 + 2 is within


def test_no_late_completion_on_one_slot_and_more_goodput_than_deadlines_alone() -> None:
    requests = poisson({"long": 25.0, "short": 250.0}, 60.0, {"long": 0.060, "short": 0.040})
    served = serve(Clockwork(), requests, TWO)
    assert served.late == 0
    assert served.refused > 0  # it is more than the server can do
    assert served.in_time > 0.6 * len(requests)
