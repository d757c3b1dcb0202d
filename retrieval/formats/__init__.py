"""One reader a file format: bytes -> page."""
