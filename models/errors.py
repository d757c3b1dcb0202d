"""Errors of the models room, and the root of all of Truepenny's errors.

TruepennyError
├── ConfigError          truepenny.toml or an environment variable is wrong
└── ModelError           a model can't be used
    ├── ModelMissing     its weights aren't there and can't be fetched
    └── ModelDamaged     a pin, a conversion or a self-test doesn't agree
"""


class TruepennyError(Exception):
    """Says what was got, what was expected and what to do; shown to people as it is."""


class ConfigError(TruepennyError):
    """The configuration is wrong."""


class ModelError(TruepennyError):
    """A model can't be used."""


class ModelMissing(ModelError):  # noqa: N818
    """The weights aren't there and couldn't be fetched."""


class ModelDamaged(ModelError):  # noqa: N818
    """The weights don't match their pin, or a self-test failed."""
