"""A member of a mix in a process of its own: `python -m isim.profiler.member_process SPEC INDEX MODEL BATCH`.

It answers each line of JSON on its input with one on its output; end of input ends it.
"""

import json
import os
import signal
import sys
from typing import Any, TextIO

from isim.errors import IsimError
from isim.profiler.device.open import open_bench
from isim.profiler.lanes import Lane, run_lanes
from isim.profiler.warm_up import warm_up


def serve(spec: str, index: int, model: str, batch_size: int, questions: TextIO, answers: TextIO) -> None:
    """Load the model on the device, say so, and run a stretch for every line asked."""

    def answer(content: dict[str, Any]) -> None:
        print(json.dumps(content), file=answers, flush=True)

    device = open_bench(spec).device
    try:
        workload = device.load(model, batch_size)
        try:
            stream = device.stream(index)
            warm_up(device, workload, stream, None)
            answer({"model": workload.model})
            for line in questions:
                asked = json.loads(line)
                lane = Lane(workload, stream, asked["begin_ns"])
                (ran,) = run_lanes(device, [lane], asked["until_ns"], asked["at_least"])
                answer({"start_ns": ran.start_ns.tolist(), "finish_ns": ran.finish_ns.tolist()})
        finally:
            workload.close()
    finally:
        device.close()


def main() -> None:
    """Serve on the standard streams; whatever else prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spec, index, model, batch_size = sys.argv[1:]
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # held back since before Python began
        serve(spec, int(index), model, int(batch_size), sys.stdin, answers)
    except IsimError as error:
        print(json.dumps({"problems": error.problems}), file=answers, flush=True)
    except (KeyboardInterrupt, BrokenPipeError):
        pass  # the parent was interrupted with it and says so, or is gone


if __name__ == "__main__":
    main()
