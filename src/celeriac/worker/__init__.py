"""What runs in the user's process: one line, a durable record, and never a risk to a task."""
