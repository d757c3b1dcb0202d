"""What the bot remembers: conversations, replies, keys, the audit log and the outbox."""
