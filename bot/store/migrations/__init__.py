"""Alembic's folder. To add a migration, see docs/store.md."""
