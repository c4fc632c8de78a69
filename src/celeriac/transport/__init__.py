"""Bytes from there to here: a capped Redis stream, or a durable bounded queue on every other broker."""

from celeriac.transport.base import Delivery, Inlet, Outlet, Received

__all__ = ["Delivery", "Inlet", "Outlet", "Received"]
