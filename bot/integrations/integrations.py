"""The support systems that are configured, and what goes out to them."""

from collections.abc import Sequence
from dataclasses import replace

from bot.integrations.config import IntegrationsConfig
from bot.integrations.types import Integration
from bot.policy import TABLE
from bot.store.types import Delivery
from bot.types import Reply, State

FAILED = TABLE["tool_failure"].text


class Integrations:
    """Finds the support system of a conversation; the widget's and the API's have none."""

    def __init__(self, *given: Integration) -> None:
        self._known = {each.name: each for each in given}

    def __bool__(self) -> bool:
        return bool(self._known)

    def named(self, name: str) -> Integration | None:
        """The one of a name, if it is configured."""
        return self._known.get(name)

    def of(self, conversation_id: str) -> Integration | None:
        """The one that a conversation is held in. Ids of other conversations have no colon."""
        name, colon, _ = conversation_id.partition(":")
        return self._known.get(name) if colon else None

    def replied(self, state: State, reply: Reply) -> tuple[State, Sequence[Delivery]]:
        """The state after a reply, and what is to be delivered.

        With a handoff the conversation is a person's; what is said after that isn't delivered.
        """
        integration = self.of(reply.conversation_id)
        if integration is None:
            return state, ()
        if reply.action == "handoff":
            return replace(state, mode="person"), integration.replied(reply)
        return state, integration.replied(reply) if state.mode == "bot" else ()

    def failed(self, conversation_id: str) -> Sequence[Delivery]:
        """What is to be delivered when a message gets no reply: never silence."""
        integration = self.of(conversation_id)
        return integration.passed_on(conversation_id, FAILED) if integration else ()


def configured(config: IntegrationsConfig) -> Integrations:
    """The support systems whose addresses are set.

    Raises:
        ConfigError: A secret isn't of the right form.
    """
    from bot.integrations.chatwoot import Chatwoot
    from bot.integrations.webhook import Webhook

    found: list[Integration] = []
    if config.chatwoot_url:
        found.append(Chatwoot(config))
    if config.webhook_url:
        found.append(Webhook(config))
    return Integrations(*found)
