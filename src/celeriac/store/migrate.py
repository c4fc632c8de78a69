"""Bring a store's schema to this version, or refuse one that is ahead."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from celeriac.errors import SchemaVersionError
from celeriac.store.schema import VERSION_TABLE


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of the store at `place`; `revision` is None where there is none yet."""

    place: str
    revision: str | None

    @property
    def needed(self) -> str:
        """The one this version writes."""
        return head()

    @property
    def current(self) -> bool:
        """True when it is that."""
        return self.revision == self.needed


def upgrade(connection: Connection, place: str) -> None:
    """Run what is missing, in the caller's transaction. Raises SchemaVersionError for a newer store."""
    if version(connection, place) == head():
        return
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def check(connection: Connection, place: str) -> None:
    """Raise SchemaVersionError unless the schema is exactly this version's; change nothing."""
    found = version(connection, place)
    if found != head():
        raise SchemaVersionError(
            f"{place} has schema {found or 'none'}, this version needs {head()}", hint="Run: celeriac db upgrade"
        )


def version(connection: Connection, place: str) -> str | None:
    """The store's revision, None when it is empty. Raises SchemaVersionError for one this version does not know."""
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_revision()
    if found is not None and found not in _known():
        raise SchemaVersionError(
            f"{place} was written by a newer version of Celeriac (schema {found}, this one knows {head()})",
            hint="Upgrade Celeriac, or choose another store with --store",
        )
    return found


@cache
def head() -> str:
    """The revision this version writes."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None, "the package ships without migrations"  # noqa: S101
    return newest


@cache
def _known() -> frozenset[str]:
    return frozenset(script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
