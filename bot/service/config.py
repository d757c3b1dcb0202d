"""How the service listens, whom it lets in and how much it takes on."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from models.config import PREFIX, Section, section
from models.errors import ConfigError

KEYS = f"{PREFIX}SERVICE_KEYS"


class ServiceConfig(Section):
    """Where the service listens, and its limits.

    `keys` are bearer keys and come from TRUEPENNY_SERVICE_KEYS alone (comma-separated).
    `max_waiting` requests wait while one is answered; a further one gets 429. `reply_timeout_s`
    counts from a request's arrival. `history_turns` is how many messages the pipeline is shown.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    keys: tuple[str, ...] = Field(default=(), repr=False)
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    max_waiting: int = Field(default=8, ge=0)
    reply_timeout_s: float = Field(default=30.0, gt=0)
    history_turns: int = Field(default=6, ge=0)
    conversations_kept: int = Field(default=1000, ge=1)


def service_config(path: Path | None, environ: Mapping[str, str] | None = None) -> ServiceConfig:
    """Reads `[service]`, and the keys from the environment.

    Args:
        path: truepenny.toml; None reads ./truepenny.toml if it is there.
        environ: Stands for os.environ in tests.

    Raises:
        ConfigError: A key or value is wrong, or bearer keys stand in the file.
    """
    variables = dict(os.environ if environ is None else environ)
    keys = tuple(key.strip() for key in variables.pop(KEYS, "").split(",") if key.strip())
    config = section(path, "service", ServiceConfig, variables)
    if config.keys:
        raise ConfigError(
            f"[service] keys are secrets and don't belong in {path or 'truepenny.toml'}: "
            f"put them, comma-separated, into the environment variable {KEYS}"
        )
    return config.model_copy(update={"keys": keys})


def check_exposure(config: ServiceConfig) -> None:
    """Refuses to be reachable from other machines without keys.

    Raises:
        ConfigError: The host isn't a loopback address and no key is configured.
    """
    if not config.keys and not is_loopback(config.host):
        raise ConfigError(
            f"the service would listen on {config.host!r}, which other machines can reach, and "
            f"no key is configured: set {KEYS} to one or more comma-separated bearer keys, or "
            "listen on 127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host; an unknown name counts as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
