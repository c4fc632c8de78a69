"""A shop that exports orders as CSV: a web app that accepts, a queue, a worker that builds. It knows no Celeriac."""
