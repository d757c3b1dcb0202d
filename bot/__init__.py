"""The conversation: generation, policy, the verified reply, the service."""
