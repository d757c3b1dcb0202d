"""Where the store keeps what it keeps."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field

from models.config import PREFIX, Section, section
from models.errors import ConfigError

URL = f"{PREFIX}STORE_URL"


class StoreConfig(Section):
    """The database and how processes share it.

    `url` is SQLAlchemy's: `sqlite:///FILE`, `sqlite://` (memory, gone with the process) or
    `postgresql://...`. A request renews its claim on a message every third of `lease_s`; once
    that has run out, another process takes the message up.
    """

    url: str = Field(default="sqlite:///var/truepenny.db", repr=False)
    pool_size: int = Field(default=5, ge=1)
    timeout_s: float = Field(default=5.0, gt=0)
    lease_s: float = Field(default=15.0, gt=0)


def store_config(path: Path | None, environ: Mapping[str, str] | None = None) -> StoreConfig:
    """Reads `[store]`; a URL with a password comes from TRUEPENNY_STORE_URL alone.

    Args:
        path: truepenny.toml; None reads ./truepenny.toml if it is there.
        environ: Stands for os.environ in tests.

    Raises:
        ConfigError: A key or value is wrong, or a password stands in the file.
    """
    variables = dict(os.environ if environ is None else environ)
    secret = variables.pop(URL, "")
    config = section(path, "store", StoreConfig, variables)
    if urlsplit(config.url).password:
        raise ConfigError(
            f"[store] url holds a password, and secrets don't belong in "
            f"{path or 'truepenny.toml'}: put the whole URL into the environment variable {URL}"
        )
    return config.model_copy(update={"url": secret}) if secret else config
