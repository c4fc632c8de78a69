"""Sample systems that drills break: each runs as processes of its own."""
