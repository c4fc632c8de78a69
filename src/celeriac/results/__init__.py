"""The user's result backend, read-only: what became of tasks whose end no event told."""
