"""Where requests come from."""

from isim.workload.closed_loop import Client, ClosedLoop
from isim.workload.contract import Workload
from isim.workload.graph import Graph, Step
from isim.workload.replay import Replay

__all__ = ["Client", "ClosedLoop", "Graph", "Replay", "Step", "Workload"]
