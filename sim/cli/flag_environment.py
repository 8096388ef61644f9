"""Environment variables are named after flags: `--horizon` of `isim run` is ISIM_RUN_HORIZON."""

import click


class FlagGroup(click.Group):
    """A group whose commands take options from the environment by the name of the flag, not of the parameter."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if ctx.auto_envvar_prefix and name and command:
            for option in command.params:
                if isinstance(option, click.Option):
                    flag = max(option.opts, key=len).lstrip("-")
                    option.envvar = f"{ctx.auto_envvar_prefix}_{name}_{flag}".replace("-", "_").upper()
        return name, command, rest
