"""A bot to be killed: `python -m tests.bot.integrations.worker STORE CHATWOOT PAUSE_S`.

Prints its address once it is ready.
"""

import sys
import time
from types import SimpleNamespace
from typing import Any, cast

from tests.bot.integrations.conftest import bot
from tests.fakes import FakeStream


def main(url: str, chatwoot_url: str, pause_s: float) -> None:
    known: Any = SimpleNamespace(url=chatwoot_url, bot_url="", quiet=lambda: None)
    slow = {"timeout_s": 10.0}
    with bot(cast(Any, known), FakeStream(pause=pause_s), url=url, integrations=slow):
        print(known.bot_url, flush=True)
        time.sleep(60)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
