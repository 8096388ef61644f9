"""`isim list`: what can be named on the command line."""

import json
from typing import Any

import click

_KINDS = ["policies", "predictors", "routers", "contention", "models", "gpus", "arrivals"]


@click.command("list")
@click.argument("kind", type=click.Choice(_KINDS))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a table.")
def command(kind: str, as_json: bool) -> None:
    """List what can be named on the command line: policies, routers, predictors, networks, GPUs and more.

    \b
    isim list policies
    """
    rows = {
        "policies": _policies,
        "predictors": _predictors,
        "routers": _routers,
        "contention": _contention,
        "models": _models,
        "gpus": _gpus,
        "arrivals": _arrivals,
    }[kind]()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        from isim.cli.tables import print_list

        print_list(rows)


def _policies() -> list[dict[str, Any]]:
    return _plugins("isim.policies")


def _predictors() -> list[dict[str, Any]]:
    return _plugins("isim.predictors")


def _routers() -> list[dict[str, Any]]:
    return _plugins("isim.routers")


def _contention() -> list[dict[str, Any]]:
    return _plugins("isim.contention")


def _plugins(group: str) -> list[dict[str, Any]]:
    from isim.plugins import list_plugins

    return [{"name": p.name, "summary": p.summary, "parameters": p.parameters} for p in list_plugins(group)]


def _models() -> list[dict[str, Any]]:
    from dataclasses import asdict

    from isim.profiler.networks.registry import network_facts, network_names
    from isim.profiler.workloads.zoo import zoo_names

    analytic = [asdict(network_facts(name)) for name in network_names()]
    rows = [{"name": facts["name"], "device": "analytic", **facts} for facts in analytic]
    unknown = dict.fromkeys(list(analytic[0])[1:])
    return [*rows, *({"name": name, "device": "cpu, cuda", **unknown} for name in zoo_names())]


def _gpus() -> list[dict[str, Any]]:
    from isim.profiler.device.gpus import find_gpu, gpu_names

    return [
        {
            "name": name,
            "sms": gpu.sms,
            "clock_mhz": gpu.clock_mhz,
            "tensor_flops": gpu.tensor_flops,
            "fp32_flops": gpu.fp32_flops,
            "l2_bytes": gpu.l2_bytes,
            "dram_bytes_per_s": gpu.dram_bytes_per_s,
            "memory_bytes": gpu.memory_bytes,
        }
        for name in gpu_names()
        for gpu in [find_gpu(name)]
    ]


def _arrivals() -> list[dict[str, Any]]:
    return _plugins("isim.arrivals")
