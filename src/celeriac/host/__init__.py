"""Pure standard-library readers of /proc, control groups and the kernel's words: no judgement, no Celery."""
