"""Is that so? Claims and verdicts on what goes out, screens on what comes in."""
