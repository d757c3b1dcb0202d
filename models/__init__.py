"""Weights: where they come from, their pins, conversion, export and adapters."""
