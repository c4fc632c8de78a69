"""A result backend in Redis or Valkey (celery/backends/redis.py), read-only and by few commands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from celeriac.brokers.address import parse
from celeriac.brokers.errors import translate
from celeriac.brokers.redis_keys import escape
from celeriac.brokers.redis_link import Command, Link
from celeriac.brokers.redis_server import parse_info
from celeriac.model.outcome import ChordCount, Outcome
from celeriac.results import meta
from celeriac.results.base import BackendHealth, Discovered, Outcomes

TASK, GROUP = "celery-task-meta-", "celery-taskset-meta-"
PAGE = 500
PAGES = 4
"""SCAN commands of one call: some 2,000 keys."""
LONGEST = 64 << 10
"""Bytes of a result that is fetched whole; of a longer one its two ends."""
END = 1 << 10
QUESTIONS = 6
MOST_COUNTED = 1_000
"""Members of a chord whose ids are read one by one."""


class RedisResults:
    """One thread's reader. `prefix` is the `global_keyprefix` of `result_backend_transport_options`."""

    ping = "redis-cli -u RESULT_BACKEND_URL PING"

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        self._link = Link(parse(url), timeout)
        self.label = self._link.address.label
        self._prefix = prefix if not prefix or prefix[-1] in ":_-." else f"{prefix}_"  # celery/backends/base.py
        self._cursor = b"0"

    def health(self) -> BackendHealth:
        """Whether it would take a result now: it is no replica, has room, and its last save worked if one must."""
        info, stops = self._link.send([("INFO",), ("CONFIG", "GET", "stop-writes-on-bgsave-error")])
        if not isinstance(info, bytes):
            raise translate(info, self._link.address)
        facts = parse_info(info)
        used, most = int(facts.get("used_memory", 0)), int(facts.get("maxmemory", 0))
        if facts.get("role") == "slave":
            return BackendHealth("read-only", "it is a read-only replica", "redis-cli -u RESULT_BACKEND_URL ROLE")
        if most and used >= most and facts.get("maxmemory_policy") == "noeviction":
            fact = f"it uses {used:,} of {most:,} bytes, and its policy noeviction refuses every write"
            return BackendHealth("full", fact, "redis-cli -u RESULT_BACKEND_URL INFO memory")
        if facts.get("rdb_last_bgsave_status") == "err" and isinstance(stops, list) and stops[-1:] == [b"yes"]:
            fact = "its last save to disk failed, and stop-writes-on-bgsave-error refuses every write"
            return BackendHealth("read-only", fact, "redis-cli -u RESULT_BACKEND_URL INFO persistence")
        return BackendHealth(None, "it answers and takes writes", self.ping)

    def outcomes(self, ids: Sequence[str]) -> Outcomes:
        """What is stored of these tasks."""
        keys = [self._task(one) for one in ids]
        sizes = self._link.send([("STRLEN", key) for key in keys]) if keys else []
        there = [(one, key, size) for one, key, size in zip(ids, keys, sizes, strict=True) if isinstance(size, int)]
        short = [(one, key) for one, key, size in there if 0 < size <= LONGEST]
        long = [(one, key) for one, key, size in there if size > LONGEST]
        found = [*self._short(short), *self._long(long)]
        return Outcomes(tuple(one for one in found if one is not None), sum(one is None for one in found))

    def started(self, pages: int) -> tuple[Outcome, ...]:
        """What is stored as STARTED under the keys of the first `pages` pages."""
        found: list[Outcome] = []
        cursor = b"0"
        for _ in range(pages):
            cursor, keys = self._scan(cursor, f"{TASK}*")
            ids = [self._named(key, TASK) for key in keys]
            found += [one for one in self.outcomes(ids).found if one.status == "STARTED"]
            if cursor == b"0":
                break
        return tuple(found)

    def discover(self) -> Discovered:
        """The chords under the next keys: each keeps its size under `….s` until its body is published."""
        found: list[str] = []
        for _ in range(PAGES):
            self._cursor, keys = self._scan(self._cursor, f"{GROUP}*.s")
            found += [self._named(key, GROUP).removesuffix(".s") for key in keys]
            if self._cursor == b"0":
                return Discovered(tuple(found), whole=True)
        return Discovered(tuple(found))

    def chords(self, groups: Sequence[str]) -> tuple[ChordCount, ...]:
        """How far these have come. `.s` is the size, `.t` what was added to it, `.j` what has come in (a sorted set, or
        a list), `.d` whose (Celery 5.7), `.c` the claim to publish the body (5.7)."""
        counts = [_count(group, replies) for group, replies in zip(groups, self._read(groups), strict=True)]
        return self._with_members([one for one in counts if one is not None])

    def close(self) -> None:
        """Drop the connection."""
        self._link.close()

    def _short(self, wanted: Sequence[tuple[str, bytes]]) -> Iterator[Outcome | None]:
        values = self._link.send([("GET", key) for _, key in wanted]) if wanted else []
        for (one, _), value in zip(wanted, values, strict=True):
            if isinstance(value, bytes):
                yield meta.read(one, value)

    def _long(self, wanted: Sequence[tuple[str, bytes]]) -> Iterator[Outcome | None]:
        for one, key in wanted:
            head, tail = self._link.send([("GETRANGE", key, 0, END), ("GETRANGE", key, -END, -1)])
            if isinstance(head, bytes) and isinstance(tail, bytes):
                yield meta.read_ends(one, head, tail)

    def _read(self, groups: Sequence[str]) -> list[list[Any]]:
        asked = [self._questions(group) for group in groups]
        replies = self._link.send([command for one in asked for command in one]) if asked else []
        return [replies[at : at + QUESTIONS] for at in range(0, len(replies), QUESTIONS)]

    def _questions(self, group: str) -> list[Command]:
        size, more, came, claim = (self._group(group, part) for part in (".s", ".t", ".j", ".c"))
        return [("GET", size), ("GET", more), ("ZCARD", came), ("LLEN", came), ("TTL", size), ("EXISTS", claim)]

    def _with_members(self, counts: Sequence[ChordCount]) -> tuple[ChordCount, ...]:
        """With the ids of those that are counted, where they are kept: "<task id>:<place>"."""
        small = [one.group_id for one in counts if one.done <= MOST_COUNTED]
        replies = self._link.send([("SMEMBERS", self._group(group, ".d")) for group in small]) if small else []
        members = {group: reply for group, reply in zip(small, replies, strict=True) if isinstance(reply, list)}
        return tuple(_with_ids(one, members.get(one.group_id)) for one in counts)

    def _scan(self, cursor: bytes, name: str) -> tuple[bytes, list[bytes]]:
        after, keys = self._link.ask("SCAN", cursor, "MATCH", f"{escape(self._prefix)}{name}", "COUNT", PAGE)
        return after, keys

    def _task(self, task_id: str) -> bytes:
        return f"{self._prefix}{TASK}{task_id}".encode()

    def _group(self, group: str, part: str) -> bytes:
        return f"{self._prefix}{GROUP}{group}{part}".encode()

    def _named(self, key: bytes, kind: str) -> str:
        return key.decode(errors="replace").removeprefix(self._prefix + kind)


def _count(group: str, replies: Sequence[Any]) -> ChordCount | None:
    """The answers to one chord's questions; None when it is no chord, or complete."""
    size, more, ordered, listed, expires, claim = replies
    if not isinstance(size, bytes) or not size.isdigit():
        return None
    added = int(more) if isinstance(more, bytes) and more.isdigit() else 0
    done = next((one for one in (ordered, listed) if isinstance(one, int)), 0)
    expires_in = float(expires) if isinstance(expires, int) and expires >= 0 else None
    return ChordCount(group, int(size) + added, done, expires_in=expires_in, claimed=claim == 1)


def _with_ids(count: ChordCount, members: list[bytes] | None) -> ChordCount:
    if members is None or len(members) != count.done:
        return count
    return replace(count, counted=frozenset(one.decode(errors="replace").rpartition(":")[0] for one in members))
