"""What a refusal of Redis means."""

from __future__ import annotations

import pytest
import redis
from redis.exceptions import NoPermissionError

from celeriac.transport.redis_errors import GroupGoneError, GroupThereError, translate


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (redis.ResponseError("OOM command not allowed when used memory > 'maxmemory'."), "is full"),
        (redis.ReadOnlyError("You can't write against a read only replica."), "read-only replica"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "is loading"),
        (redis.ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot save to disk"),
        (redis.ResponseError("unknown command 'XAUTOCLAIM', with args beginning with:"), "too old"),
        (redis.ResponseError("ERR Error running script: @user_script: 3: Unknown Redis command called"), "too old"),
        (redis.ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), "something else"),
        (redis.ConnectionError("max number of clients reached"), "no connection left"),
        (
            NoPermissionError("this user has no permissions to run the 'eval' command"),
            "forbids us a command: this user has no permissions to run the 'eval'",
        ),
        (redis.AuthenticationError("invalid username-password pair"), "refuses the password"),
        (redis.TimeoutError("Timeout reading from socket"), "in time"),
        (redis.ConnectionError("Error 111 connecting"), "cannot be reached"),
        (redis.ResponseError("ERR something\nnew"), "refuses: ERR something"),
        (redis.ResponseError(""), "refuses: ResponseError"),
    ],
)
def test_a_refusal_is_put_in_words_and_may_be_tried_again(error: Exception, means: str) -> None:
    found = translate(error, "redis:6379")
    assert found.retryable
    assert found.message.startswith("redis:6379 ")
    assert means in found.message
    assert "\n" not in str(found)
    assert found.hint


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("NOGROUP No such key 'celeriac:record' or consumer group", GroupGoneError),
        ("UNBLOCKED the stream key no longer exists", GroupGoneError),
        ("BUSYGROUP Consumer Group name already exists", GroupThereError),
    ],
)
def test_the_state_of_the_group_is_told_apart(text: str, kind: type[Exception]) -> None:
    assert isinstance(translate(redis.ResponseError(text), "redis:6379"), kind)
