"""The outbox's delivery: sends what is due, tries again later and later, and gives up in the end.

Any number of processes may send. A delivery whose sender died is sent by another one once the
lease has run out. Of a conversation one delivery is under way at a time.
"""

import asyncio
import logging
import random
import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.integrations.config import IntegrationsConfig
from bot.integrations.errors import NotDelivered
from bot.integrations.integrations import Integrations
from bot.store.errors import StoreError
from bot.store.types import Delivery, now

if TYPE_CHECKING:
    from httpx2 import AsyncClient

    from bot.store.outbox import Outbox

log = logging.getLogger("truepenny.integrations")
MOST_AT_ONCE = 16
POLL_S = 0.25
LONGEST_WAIT_S = 300.0
LEASE_FACTOR = 3.0


class Sender:
    """Sends deliveries until it is stopped.

    Args:
        outbox: Where they wait.
        integrations: Who sends them.
        config: Time-outs, waits and attempts.
    """

    def __init__(
        self,
        outbox: "Outbox",
        integrations: Integrations,
        config: IntegrationsConfig,
    ) -> None:
        self._outbox = outbox
        self._integrations = integrations
        self._config = config
        self._owner = uuid.uuid4().hex
        self._sending: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._awake = asyncio.Event()

    def stop(self) -> None:
        """Lets what is under way end, and starts nothing else."""
        self._stopping = True
        self._awake.set()

    async def run(self) -> None:
        """Sends what is due; returns at once where no support system is configured."""
        if not self._integrations:
            return
        import httpx2

        async with httpx2.AsyncClient(timeout=self._config.timeout_s) as client:
            while not self._stopping:
                self._awake.clear()
                claimed = await self._claim()
                for delivery in claimed:
                    task = asyncio.create_task(self._deliver(client, delivery))
                    self._sending.add(task)
                    task.add_done_callback(self._ended)
                if not claimed:
                    await self._pause()
            await asyncio.gather(*self._sending, return_exceptions=True)

    async def _claim(self) -> Sequence[Delivery]:
        free = MOST_AT_ONCE - len(self._sending)
        if not free:
            return ()
        lease_s = self._config.timeout_s * LEASE_FACTOR
        try:
            return await asyncio.to_thread(
                self._outbox.claim, self._owner, most=free, lease_s=lease_s
            )
        except StoreError as error:
            log.warning("deliveries wait: %s", type(error).__name__)
            return ()

    async def _pause(self) -> None:
        """Until something has ended here, or it is time to see what others have put in."""
        if not self._stopping:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._awake.wait()
            except TimeoutError:
                pass

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._awake.set()
        if not task.cancelled() and (error := task.exception()):
            log.warning("a delivery's outcome isn't on record: %s", type(error).__name__)

    async def _deliver(self, client: "AsyncClient", delivery: Delivery) -> None:
        integration = self._integrations.named(delivery.destination)
        try:
            if integration is None:
                raise NotDelivered(f"{delivery.destination} isn't configured")
            async with asyncio.timeout(self._config.timeout_s):
                await integration.send(client, delivery)
        except NotDelivered as error:
            await self._failed(delivery, error)
        except TimeoutError:
            await self._failed(delivery, NotDelivered("it took too long"))
        except Exception as error:  # noqa: BLE001 - the edge: whatever failed, it is tried again
            await self._failed(delivery, NotDelivered(type(error).__name__))
        else:
            await self._on_record(self._outbox.done, delivery.id, self._owner)

    async def _failed(self, delivery: Delivery, error: NotDelivered) -> None:
        last = error.final or delivery.attempts >= self._config.max_attempts
        log.warning(
            "delivery %d to %s failed (attempt %d%s): %s",
            delivery.id, delivery.destination, delivery.attempts,
            ", given up" if last else "", error.reason,
        )  # fmt: skip
        if last:
            await self._on_record(self._outbox.give_up, delivery.id, self._owner, error.reason)
            return
        wait_s = max(error.after_s, self._wait(delivery.attempts))
        at = now() + timedelta(seconds=wait_s)
        await self._on_record(self._outbox.retry, delivery.id, self._owner, at, error.reason)

    def _wait(self, attempts: int) -> float:
        """Seconds until the next attempt; scattered, so that not all come back at once."""
        longest = min(self._config.retry_s * 2 ** (attempts - 1), LONGEST_WAIT_S)
        return random.uniform(longest / 2, longest)

    async def _on_record(self, method: Any, *given: object) -> None:
        await asyncio.to_thread(method, *given)
