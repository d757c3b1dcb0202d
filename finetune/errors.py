"""Errors of the finetune room.

TruepennyError
└── FinetuneError
    ├── DataError        rows, articles or exports that no training can be made of
    ├── MethodError      a method, model and objective that don't go together
    └── TrainingError    a run that can't begin, go on or be taken up again
"""

from models.errors import TruepennyError


class FinetuneError(TruepennyError):
    """A model can't be adapted."""


class DataError(FinetuneError):
    """The data is empty, malformed or too small to split."""


class MethodError(FinetuneError):
    """The method can't serve this family of models or this objective."""


class TrainingError(FinetuneError):
    """The run can't begin, go on, or be taken up again."""
