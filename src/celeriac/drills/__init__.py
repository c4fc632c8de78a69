"""Real faults on purpose, the incident each must raise, and the check that proves it solved."""
