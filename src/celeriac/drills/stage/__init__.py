"""What a drill stands on: processes that die with it, a broker, a memory limit, and someone who clears away."""

from celeriac.drills.stage.broker import start_broker
from celeriac.drills.stage.memory_group import MemoryGroup, make_memory_group
from celeriac.drills.stage.memory_watcher import MemoryWatcher
from celeriac.drills.stage.patience import Interrupted, Patience
from celeriac.drills.stage.ports import free_port, taken
from celeriac.drills.stage.process import Process
from celeriac.drills.stage.stage import Stage

__all__ = [
    "Interrupted",
    "MemoryGroup",
    "MemoryWatcher",
    "Patience",
    "Process",
    "Stage",
    "free_port",
    "make_memory_group",
    "start_broker",
    "taken",
]
