"""Support systems: what their webhooks say, and what is sent back to them from the outbox."""
