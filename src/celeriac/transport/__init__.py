"""Bytes from there to here: a capped Redis stream, or a durable bounded queue on every other broker."""

from celeriac.transport.base import Delivery, Inlet, Outlet, Received
from celeriac.transport.cap import Limits
from celeriac.transport.open import open_inlet, open_outlet
from celeriac.transport.park import Park, open_park

__all__ = ["Delivery", "Inlet", "Limits", "Outlet", "Park", "Received", "open_inlet", "open_outlet", "open_park"]
