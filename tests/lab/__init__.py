"""Real servers, real workers and real waits for the tests."""

from lab.need import need
from lab.port import free_port
from lab.wait import wait_until

__all__ = ["free_port", "need", "wait_until"]
