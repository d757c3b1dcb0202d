"""Training: data, methods, objectives, the loop, and what is left behind; nothing imports it."""
