"""`celeriac rescue`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from getpass import getuser
from pathlib import Path
from threading import Event
from typing import Any

import click

from celeriac.brokers.open import open_broker
from celeriac.cli import render
from celeriac.cli.known import check_task, check_worker
from celeriac.cli.options import broker_option, config_option, json_option, settings, store_option
from celeriac.clock import SystemClock
from celeriac.errors import BrokerError, BrokerUnavailableError, NotFoundError, StoreUnavailableError
from celeriac.recovery import RecoverLoop, Wish, holder
from celeriac.recovery.loop import RESCUE
from celeriac.store import Store

PATIENCE = 60.0
EVERY = 0.2
Outcome = Mapping[str, Any]


class Rescuer:
    """Asks the server that recovers; where none does, does it itself."""

    def __init__(self, store: Store, loop: RecoverLoop) -> None:
        self._store = store
        self._loop = loop
        self._clock = SystemClock()

    def check(self, wish: Wish) -> None:
        """Raises UnknownNameError when the wish names a worker or a task that nobody ever heard of."""
        if wish.worker is not None:
            check_worker(self._store, wish.worker)
        if wish.task is not None:
            check_task(self._store, wish.task)

    def carry_out(self, wish: Wish) -> Outcome:
        """The outcome of the request. Raises StoreUnavailableError when nobody answers it; BrokerError when it cannot
        be done, BrokerUnavailableError when not now. One that is broken off is taken back: nobody does it later."""
        began = self._clock.now()
        request_id = self._store.request(RESCUE, wish.text(), getuser(), began)
        try:
            return self._answer(request_id, began)
        except (KeyboardInterrupt, BrokerUnavailableError):
            with suppress(NotFoundError):
                self._store.settle_request(request_id, json.dumps({"error": "it was taken back"}), self._clock.now())
            raise

    def _answer(self, request_id: str, began: float) -> Outcome:
        while self._clock.now() - began < PATIENCE:
            self._loop.step(self._clock.now())
            asked = self._store.asked(request_id)
            if asked is not None and asked.outcome is not None:
                outcome: Outcome = json.loads(asked.outcome)
                if "error" in outcome:
                    raise BrokerError(outcome["error"])
                return outcome
            self._clock.wait(Event(), EVERY)
        raise StoreUnavailableError(
            f"the server that recovers did not answer in {PATIENCE:g} s",
            hint="What was asked for stands; see its log, and its /readyz",
        )


@click.command(epilog="Example:  celeriac rescue --worker celery@web-1 --dry-run")
@click.option("--worker", metavar="NODE", help="Only what this dead worker holds.")
@click.option("--task", metavar="ID", help="Only this task.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option("--republish", is_flag=True, help="Publish the lost task (--task) once more, under its own id.")
@broker_option
@store_option
@config_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, dry_run: bool, yes: bool, broker: str | None, store: str | None, config: Path | None,
            as_json: bool, **asked: Any) -> None:  # fmt: skip
    """Put back what dead workers hold, once, where the next worker takes it.

    Only what a proven dead consumer holds goes back; what had started there is done again. Exit code 0: all of it is
    back, or nothing is held. 1: something stays held, or nothing was done because nobody said --yes. 2: no such worker
    or task was ever heard of.
    """
    wish = Wish(**asked)
    if wish.republish and wish.task is None:
        raise click.UsageError("--republish needs --task ID")
    with _opened(config, broker, store) as rescuer:
        rescuer.check(wish)
        shown = rescuer.carry_out(replace(wish, dry_run=True))
        if wish.task and not wish.republish and not shown["tasks"]:  # held by nobody: it may be lost
            wish, yes = replace(wish, republish=True), False
            shown = rescuer.carry_out(replace(wish, dry_run=True))
        if not dry_run and _may(shown) and _agreed(shown, yes=yes, as_json=as_json):
            shown = rescuer.carry_out(wish)
        _show(shown, as_json=as_json)
    if not dry_run and shown["dry_run"] and _may(shown) and not yes:
        click.echo(f"celeriac: nothing was done. Add {_missing(wish, asked)} to do it", err=True)
    ctx.exit(_code(shown, dry_run=dry_run))


@contextmanager
def _opened(config: Path | None, broker: str | None, store: str | None) -> Iterator[Rescuer]:
    chosen = settings(config=config, broker=broker, store=store)
    opened = Store.existing(chosen.store.url.get_secret_value())
    try:
        reached = open_broker(chosen.broker)
        loop = RecoverLoop(opened, reached, holder())
        try:
            yield Rescuer(opened, loop)
        finally:
            loop.close()
            reached.close()
    finally:
        opened.close()


def _missing(wish: Wish, asked: Mapping[str, Any]) -> str:
    return "--yes" if wish.republish == asked["republish"] else "--republish --yes"


def _may(shown: Outcome) -> bool:
    """True when something can be done."""
    return bool(shown["will"]) if "republished" in shown else any(one["will"] for one in shown["tasks"])


def _agreed(shown: Outcome, *, yes: bool, as_json: bool) -> bool:
    """--yes, or a person at the terminal who has read the plan."""
    if yes or as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return yes
    render.console().print(render.rescue(shown))
    return click.confirm("Do it?")


def _show(shown: Outcome, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    else:
        render.console().print(render.rescue(shown))


def _code(shown: Outcome, *, dry_run: bool) -> int:
    if "republished" in shown:
        return 0 if shown["republished"] or (dry_run and shown["will"]) else 1
    done = [one["will"] if dry_run else one["outcome"] in ("restored", "gone") for one in shown["tasks"]]
    return 0 if all(done) else 1
