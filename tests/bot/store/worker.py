"""A service over a scripted pipeline: `python -m tests.bot.store.worker PORT URL PAUSE_S`.

Its reply to the nth message of a conversation is "n: MESSAGE", so that a message that is lost,
doubled or answered out of order shows in the text.
"""

import sys
import time
from collections.abc import Iterator

import uvicorn

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from bot.store.config import StoreConfig
from bot.store.store import open_store
from bot.types import Reply, Sentence, State
from tests.fakes import make_reply, parts


def main(port: int, url: str, pause_s: float) -> None:
    def stream(question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
        time.sleep(pause_s)
        last = state.turns[-1].text if state.turns else "-1:"
        reply = make_reply(state, f"{int(last.partition(':')[0]) + 1}: {question}")
        yield from reply.sentences
        time.sleep(pause_s)
        yield reply

    store = open_store(StoreConfig(url=url, lease_s=1.0))
    config = ServiceConfig(max_waiting=500, history_turns=1000)
    app = create_app(parts, config, stream=stream, store=store)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
