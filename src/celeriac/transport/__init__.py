"""Bytes from there to here: a capped Redis stream, or a durable bounded queue on every other broker."""

from celeriac.transport.base import Delivery, Inlet, Outlet, Received
from celeriac.transport.cap import Limits
from celeriac.transport.open import open_inlet, open_outlet

__all__ = ["Delivery", "Inlet", "Limits", "Outlet", "Received", "open_inlet", "open_outlet"]
