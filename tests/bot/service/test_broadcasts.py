"""What is remembered of replies that were told is bounded; the rest comes from the record."""

import pytest

from tests.bot.client import say, serving


def test_the_oldest_that_were_told_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.service.broadcast.MOST_KEPT", 2)
    with serving() as client:
        told = [
            say(client, conversation_id=f"c{n}", message_id="m", stream=False).json()
            for n in range(6)
        ]
        broadcasts = client.app.state.service.broadcasts  # type: ignore[attr-defined]
        assert list(broadcasts._known) == [("c4", "m"), ("c5", "m")]
        assert say(client, conversation_id="c0", message_id="m").json() == told[0]
