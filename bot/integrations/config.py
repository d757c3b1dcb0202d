"""Which support systems there are, and how to reach them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from models.config import PREFIX, Section, section
from models.errors import ConfigError

SECRETS = ("chatwoot_token", "chatwoot_secret", "webhook_secret")


def _address(given: str) -> str:
    parts = urlsplit(given)
    usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    if given and not (usable and not parts.query and not parts.fragment):
        raise ValueError("expected an address such as https://desk.example, without a password")
    return given.rstrip("/")


Address = Annotated[str, AfterValidator(_address)]


class IntegrationsConfig(Section):
    """Chatwoot and the signed webhook; each is off while its address is empty.

    `chatwoot_token` (of the agent bot), `chatwoot_secret` and `webhook_secret` (of the webhooks)
    are secrets and come from the environment alone. `window_s` is how old a signed call may be,
    `timeout_s` how long a delivery may take, `max_attempts` how often it is tried and `retry_s`
    the first wait in between; each further one is twice as long.
    """

    chatwoot_url: Address = ""
    chatwoot_account: int = Field(default=1, ge=1)
    chatwoot_token: str = Field(default="", repr=False)
    chatwoot_secret: str = Field(default="", repr=False)
    chatwoot_unsigned: bool = False
    webhook_url: Address = ""
    webhook_secret: str = Field(default="", repr=False)
    window_s: float = Field(default=300.0, gt=0)
    timeout_s: float = Field(default=10.0, gt=0, le=30)
    max_attempts: int = Field(default=12, ge=1)
    retry_s: float = Field(default=1.0, gt=0)


def integrations_config(
    path: Path | None, environ: Mapping[str, str] | None = None
) -> IntegrationsConfig:
    """Reads `[integrations]`, and the secrets from the environment.

    Args:
        path: truepenny.toml; None reads ./truepenny.toml if it is there.
        environ: Stands for os.environ in tests.

    Raises:
        ConfigError: A key or value is wrong, a secret stands in the file, or one is missing.
    """
    variables = dict(os.environ if environ is None else environ)
    names = {name: f"{PREFIX}INTEGRATIONS_{name.upper()}" for name in SECRETS}
    secrets = {name: variables.pop(names[name], "") for name in SECRETS}
    config = section(path, "integrations", IntegrationsConfig, variables)
    for name in SECRETS:
        if getattr(config, name):
            raise ConfigError(
                f"[integrations] {name} is a secret and doesn't belong in "
                f"{path or 'truepenny.toml'}: put it into the environment variable {names[name]}"
            )
    config = config.model_copy(update=secrets)
    for name in _missing(config):
        raise ConfigError(
            f"[integrations] {name.partition('_')[0]}_url is set, and {names[name]} isn't: "
            f"see docs/{name.partition('_')[0]}.md"
        )
    return config


def _missing(config: IntegrationsConfig) -> list[str]:
    needed = []
    if config.chatwoot_url:
        needed += ["chatwoot_token"] + ["chatwoot_secret"] * (not config.chatwoot_unsigned)
    if config.webhook_url:
        needed += ["webhook_secret"]
    return [name for name in needed if not getattr(config, name)]
