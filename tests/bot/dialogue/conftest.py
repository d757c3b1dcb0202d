from collections.abc import Iterator

import pytest

from tests.bot.dialogue.shop import Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as opened:
        yield opened
