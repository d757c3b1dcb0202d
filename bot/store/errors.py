"""Errors of the store.

TruepennyError
└── StoreError           the database can't be used
    ├── StoreUnreachable it doesn't answer, or is locked for too long
    └── SchemaMismatch   its tables are of another release
"""

from models.errors import TruepennyError


class StoreError(TruepennyError):
    """The database can't be used."""


class StoreUnreachable(StoreError):  # noqa: N818
    """The database doesn't answer."""


class SchemaMismatch(StoreError):  # noqa: N818
    """The tables are of another release."""
