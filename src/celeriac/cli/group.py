"""The command group. Bodies load when called: the group is imported on every `celery` command too."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from celeriac.errors import (
    BrokerError,
    CeleriacError,
    ConfigError,
    ConflictError,
    LeaseLostError,
    NotFoundError,
    QueryError,
    StoreError,
)

COMMANDS = {
    "demo": "See Celeriac catch a real failure, in two minutes.",
    "serve": "Collect, judge and show: the dashboard and the API.",
    "agent": "One per host: what it shows of its workers, shipped to the server.",
    "diagnose": "What is wrong, why, and what to do. No server needed.",
    "status": "One screen: is work being finished, what is wrong, how fresh is this.",
    "task": "The truth about one task.",
    "tasks": "Search tasks.",
    "workers": "Every worker, and whether it lives.",
    "queues": "Every queue: depth, age, growth, consumers.",
    "incidents": "What is wrong, and what was.",
    "incident": "One incident, with its whole diagnosis.",
    "rescue": "Put back what a dead worker holds, once.",
    "export": "Ready files for other systems.",
    "db": "Check the store's schema, and bring it up to this version.",
    "config": "Show and check the settings.",
}
EXTRA_OF = {"demo": "demo"}
"""What a command needs to be installed where that is not "server"."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports each when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `celeriac.cli.commands.NAME` and give its `command`."""
        if cmd_name not in COMMANDS:
            return None
        try:
            module = import_module(f"celeriac.cli.commands.{cmd_name}")
        except ModuleNotFoundError as error:
            raise _not_installed(error, cmd_name) from error
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error of ours is one line and the contract's exit code, under `celery` too."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise _not_installed(error, ctx.invoked_subcommand or "this") from error
        except CeleriacError as error:
            click.echo(f"celeriac: {error}", err=True)
            raise click.exceptions.Exit(_code(error)) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here:  celeriac diagnose --broker redis://127.0.0.1:6379/0",
)
@click.version_option(package_name="celeriac", prog_name="celeriac")
def celeriac() -> None:
    """Celeriac: the reliability layer for Celery.

    It accounts for every task, names the root cause of every silent failure with its evidence, and says what to do.
    """


def main() -> None:
    """Run the command and leave with the contract's exit codes: 0 fine, 1 problem, 2 usage, 3 unknown, 130 stopped."""
    try:
        code = celeriac.main(prog_name="celeriac", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        code = 130
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        code = error.exit_code
    except click.ClickException as error:
        click.echo(_one_line(error), err=True)
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _one_line(error: click.ClickException) -> str:
    """click's own form is four lines with the usage first; ours is what is wrong, then what to do."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    where = f" See: {context.command_path} --help" if context is not None else ""
    return f"celeriac: {' '.join(error.format_message().split())}{where}"


def _not_installed(error: ModuleNotFoundError, command: str) -> click.UsageError:
    return click.UsageError(
        f"`{command}` needs {error.name}, which is not installed. "
        f"Run: pip install 'celeriac[{EXTRA_OF.get(command, 'server')}]'"
    )


def _code(error: CeleriacError) -> int:
    """2: what was named (settings, a search, a store, a broker) cannot be used. 3: not now. 1: the action failed."""
    if error.retryable:
        return 3
    if isinstance(error, (NotFoundError, ConflictError, LeaseLostError)):
        return 1
    return 2 if isinstance(error, (ConfigError, QueryError, StoreError, BrokerError)) else 1
