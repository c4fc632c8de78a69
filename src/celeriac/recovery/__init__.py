"""Acts on the user's system: leased, fenced, audited, dry-runnable."""

from celeriac.recovery.holder import holder
from celeriac.recovery.loop import RecoverLoop
from celeriac.recovery.wish import Wish

__all__ = ["RecoverLoop", "Wish", "holder"]
