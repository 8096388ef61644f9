"""`isim profile --check` and `--self-test`: what this host can record of a GPU, and whether it measures right."""

import click

_INSTEAD = "isim: no usable GPU; --device cpu and --device analytic:GPU work without one"


def check(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print one line for everything that a recording may use; exit 4 without a usable GPU."""
    if not wanted or context.resilient_parsing:
        return
    from isim.profiler.check_host import check_host, usable_gpu

    findings = check_host()
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        state = {True: "yes", False: "no", None: "?"}[finding.usable]
        remedy = f"; {finding.remedy}" if finding.remedy else ""
        click.echo(f"{finding.name:<{width}}  {state:<3}  {finding.found}{remedy}")
    if not usable_gpu(findings):
        click.echo(_INSTEAD, err=True)
        context.exit(4)
    context.exit(0)


def self_test(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    """Print one line a check on the first visible GPU; exit 1 if one failed, 4 without a usable GPU."""
    if not wanted or context.resilient_parsing:
        return
    from isim.profiler.cuda_bench import cuda_bench
    from isim.profiler.device.cuda import CudaDevice
    from isim.profiler.self_test import self_test as checks

    device = CudaDevice()
    try:
        failed = False
        for done in checks(cuda_bench(device), device):
            click.echo(f"{done.outcome:<7}  {done.name}: {done.reason}")
            failed = failed or done.outcome == "failed"
    finally:
        device.close()
    context.exit(1 if failed else 0)
