"""Adapters for the verifier (later: generator and embedder) and their export."""
