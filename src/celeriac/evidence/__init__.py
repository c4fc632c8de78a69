"""Facts about hosts. `Source` is a public plugin point: entry-point group `celeriac.sources`, proven by
`celeriac.testing.source_contract`."""

from celeriac.evidence.base import Look, Source

__all__ = ["Look", "Source"]
