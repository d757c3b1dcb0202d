"""POST with an honest outcome: arrived, failed for now, or failed for good."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.integrations.errors import NotDelivered

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

# Of the 4xx, those that pass by themselves or once an operator has put the access right.
PASSING = (401, 403, 408, 409, 425, 429)
LONGEST_WAIT_S = 3600.0


async def post(client: "AsyncClient", url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Posts JSON; redirects aren't followed, since a secret goes along.

    Raises:
        NotDelivered: It wasn't taken, as far as is known.
    """
    import httpx2

    given = {"Content-Type": "application/json", "User-Agent": "Truepenny", **headers}
    try:
        response = await client.post(url, content=body, headers=given)
    except httpx2.HTTPError as error:
        raise NotDelivered(type(error).__name__) from None
    status = response.status_code
    if not response.is_success:
        final = status < 500 and status not in PASSING
        raise NotDelivered(f"HTTP {status}", final=final, after_s=_wait(response))


def _wait(response: "Response") -> float:
    """Seconds of Retry-After; its other form, a date, counts as none."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_WAIT_S) if given.isascii() and given.isdigit() else 0.0
