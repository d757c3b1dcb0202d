"""Rate limits: by key for those who have one, by address for everybody else."""

import ipaddress
import logging
import math
import time
from typing import TYPE_CHECKING, Any

from bot.service.config import ServiceConfig
from bot.service.keys import Caller
from bot.service.problems import ProblemError
from models.errors import ConfigError

if TYPE_CHECKING:
    from limits import RateLimitItem

log = logging.getLogger("truepenny.service")
IPV6_PREFIX = 64  # what one customer of a provider gets


class RateLimits:
    """Counts requests in a moving window, in memory or in a Redis that processes share.

    If Redis fails, each process counts for itself: limits go on, only less exact.
    """

    def __init__(self, config: ServiceConfig) -> None:
        self._by_key = _limit("key_limit", config.key_limit)
        self._by_address = _limit("address_limit", config.address_limit)
        self._shared = _limiter(config.rate_storage)
        self._own = _limiter("memory://")

    def hit(self, caller: Caller, address: str) -> None:
        """Counts a request.

        Raises:
            ProblemError: 429, with Retry-After.
        """
        if caller.kind == "key":
            self._hit(self._by_key, caller.id)
        elif caller.kind != "open":
            self.hit_address(address)

    def hit_address(self, address: str) -> None:
        """Counts a request of an address.

        Raises:
            ProblemError: 429, with Retry-After.
        """
        self._hit(self._by_address, f"address:{network(address)}")

    def _hit(self, limit: "RateLimitItem | None", who: str) -> None:
        if limit is None:
            return
        try:
            seconds = _hit(self._shared, limit, who)
        except Exception as error:  # noqa: BLE001 - whatever the storage's driver raises
            log.warning("rate limits are counted in this process: %s", type(error).__name__)
            seconds = _hit(self._own, limit, who)
        if seconds:
            raise ProblemError(
                429, "too-many", f"Too many requests: at most {limit}. Try again in {seconds} s.",
                headers={"Retry-After": str(seconds)},
            )  # fmt: skip


def network(address: str) -> str:
    """What counts as one address: an IPv4 address, or the network of an IPv6 one."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, IPV6_PREFIX), strict=False))


def _hit(limiter: Any, limit: "RateLimitItem", who: str) -> int:
    """Counts; how many seconds to wait if it was one too many, else 0."""
    if limiter.hit(limit, who):
        return 0
    return max(1, math.ceil(limiter.get_window_stats(limit, who)[0] - time.time()))


def _limit(key: str, text: str) -> "RateLimitItem | None":
    from limits import parse

    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        raise ConfigError(
            f'[service] {key} = {text!r}: expected a number and a time, such as "120/minute", '
            'or "" for no limit'
        ) from None


def _limiter(url: str) -> Any:
    from limits.errors import ConfigurationError
    from limits.storage import storage_from_string
    from limits.strategies import MovingWindowRateLimiter

    try:
        return MovingWindowRateLimiter(storage_from_string(url))
    except (ConfigurationError, ValueError, ImportError):
        raise ConfigError(
            "[service] rate_storage can't be used: expected memory:// or redis://HOST:PORT/N"
        ) from None
