"""The admin page: what customers asked, what was said and why; server-rendered and read-only."""
