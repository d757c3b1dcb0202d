"""Errors of retrieval.

TruepennyError
└── RetrievalError
    ├── SourceError      a file can't be read (skipped and counted, never fatal to the index)
    └── IndexUnusable    an index is missing, damaged, or of another model or format
"""

from models.errors import TruepennyError


class RetrievalError(TruepennyError):
    """Something about sources or an index is wrong."""


class SourceError(RetrievalError):
    """A source can't be read; the message is the reason that `index` reports."""


class IndexUnusable(RetrievalError):  # noqa: N818
    """An index is missing, damaged, or made by another model or format."""
