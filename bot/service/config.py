"""How the service listens, whom it lets in and how much it takes on."""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from models.config import PREFIX, Section, section
from models.errors import ConfigError

KEYS = f"{PREFIX}SERVICE_KEYS"
TOKEN_SECRET = f"{PREFIX}SERVICE_TOKEN_SECRET"
SECRETS = ("keys", "token_secret", "identity_secret")
MIN_SECRET_BYTES = 32
SAMPLE_SECRET = "sample-secret-for-development-only-change-me"


def _listed(given: object) -> object:
    """A variable of the environment spells a list with commas."""
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    return tuple(given) if isinstance(given, list) else given


def _origin(given: str) -> str:
    parts = urlsplit(given)
    if parts.scheme not in ("http", "https") or given != f"{parts.scheme}://{parts.netloc}":
        raise ValueError("expected an origin such as https://shop.example, without a path")
    return given.lower()


Listed = Annotated[tuple[str, ...], BeforeValidator(_listed)]
Origins = Annotated[tuple[Annotated[str, BeforeValidator(_origin)], ...], BeforeValidator(_listed)]


class ServiceConfig(Section):
    """Where the service listens, and its limits.

    `keys`, `token_secret` and `identity_secret` are secrets and come from the environment alone.
    `max_waiting` requests wait while one is answered; a further one gets 429. `reply_timeout_s`
    counts from a request's arrival. `history_turns` is how many messages the pipeline is shown.
    `resume_s` is how long a reply is still made for a client that lost its connection.
    `reuse_replies` verified answers are kept for `reuse_minutes`, to be served again; 0: none.
    Traces go to `trace_endpoint`, an OTLP collector's URL; empty for none.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    keys: Listed = Field(default=(), repr=False)
    token_secret: str = Field(default="", repr=False)
    token_minutes: int = Field(default=60, ge=1)
    identity_secret: str = Field(default="", repr=False)
    allowed_origins: Origins = ()
    frame_ancestors: Origins = ()
    trusted_proxies: Listed = ("127.0.0.1",)
    key_limit: str = "600/minute"
    address_limit: str = "120/minute"
    rate_storage: str = Field(default="memory://", repr=False)
    max_body_bytes: int = Field(default=64 * 1024, ge=1024)
    max_waiting: int = Field(default=8, ge=0)
    reply_timeout_s: float = Field(default=30.0, gt=0)
    history_turns: int = Field(default=6, ge=0)
    resume_s: float = Field(default=5.0, ge=0)
    reuse_replies: int = Field(default=1000, ge=0)
    reuse_minutes: float = Field(default=60.0, gt=0)
    log_format: Literal["text", "json"] = "text"
    trace_endpoint: str = ""


def service_config(path: Path | None, environ: Mapping[str, str] | None = None) -> ServiceConfig:
    """Reads `[service]`, and the secrets from the environment.

    Args:
        path: truepenny.toml; None reads ./truepenny.toml if it is there.
        environ: Stands for os.environ in tests.

    Raises:
        ConfigError: A key or value is wrong, or a secret stands in the file.
    """
    variables = dict(os.environ if environ is None else environ)
    names = {name: f"{PREFIX}SERVICE_{name.upper()}" for name in (*SECRETS, "rate_storage")}
    secrets = {n: variables.pop(v) for n, v in names.items() if variables.get(v)}
    config = section(path, "service", ServiceConfig, variables)
    written = {name for name in SECRETS if getattr(config, name)}
    if urlsplit(config.rate_storage).password:
        written.add("rate_storage")
    for name in sorted(written):
        raise ConfigError(
            f"[service] {name} is a secret and doesn't belong in {path or 'truepenny.toml'}: "
            f"put it into the environment variable {names[name]}"
        )
    for name in ("token_secret", "identity_secret"):
        if 0 < len(secrets.get(name, "").encode()) < MIN_SECRET_BYTES:
            raise ConfigError(
                f"{names[name]} has {len(secrets[name].encode())} bytes, expected at least "
                f"{MIN_SECRET_BYTES}: make one with `openssl rand -hex 32`"
            )
    return config.model_copy(update=secrets | {"keys": _listed(secrets.get("keys", ""))})


def check_exposure(config: ServiceConfig, *, keys_stored: bool = False) -> None:
    """Refuses to be reachable from other machines without keys, or with the sample secret.

    Args:
        config: What is configured.
        keys_stored: Whether `truepenny keys create` has made a key.

    Raises:
        ConfigError: The host isn't a loopback address and no key is configured, or the widget's
            tokens would be signed with a secret that everybody knows.
    """
    keys = bool(config.keys) or keys_stored
    if not keys and not is_loopback(config.host):
        raise ConfigError(
            f"the service would listen on {config.host!r}, which other machines can reach, and "
            f"no key is configured: set {KEYS} to one or more comma-separated bearer keys, make "
            "one with `truepenny keys create`, or listen on 127.0.0.1"
        )
    if config.token_secret == SAMPLE_SECRET and (keys or not is_loopback(config.host)):
        raise ConfigError(
            f"{TOKEN_SECRET} is the sample secret, which everybody knows: make one of your own "
            "with `openssl rand -hex 32`"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host; an unknown name counts as reachable."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
