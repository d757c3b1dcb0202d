"""Serves the page over a scripted pipeline: `python -m tests.bot.fake_server [PORT]`."""

import sys
from collections.abc import Iterator

from bot.service.app import create_app
from bot.service.config import ServiceConfig
from bot.types import Citation, Reply, Sentence, State, Suggestion
from tests.fakes import FakeRetriever, FakeStream, make_reply, parts, passage

RETURNS = passage(
    "returns",
    "How long you can return an item",
    "You can return most items within **45 days** of the day on which they were delivered.",
    "https://help.example.com/returns",
)
PASSAGES = (
    RETURNS,
    passage("refund", "When the refund arrives", "The order refund takes 5 working days."),
    passage("delivery", "What delivery costs", "Delivery of an order is free from €60."),
    passage("lost", "My parcel is lost", "We look into a lost parcel after 5 working days."),
    passage("account", "Problems signing in", "Your account is locked after six attempts."),
)
LIST = (
    "Before you send it back:",
    "- pack it in the original box where there was one",
    "- keep all labels and parts",
    "- print the label from **My orders**",
)
TABLE = ("| Sale items | 21 days, for everyone |", "| Last Chance items | no return |")


def stream(question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
    asked = question.lower()
    if state.conversation_id == "self-test":
        yield make_reply(state, "Ready.")
    elif "person" in asked:
        words = "I'm passing you on to a person, with what we have said so far."
        yield make_reply(state, action="handoff", cause="customer_request", text=words)
    elif "error" in asked:
        yield from FakeStream("The first sentence is fine.", error=ValueError(), pause=0.5)(
            question, state
        )
    elif "moon" in asked or "warranty" in asked:
        titles = tuple(Suggestion(text=p.title, article_id=p.article_id) for p in PASSAGES[1:4])
        text = "I can't find the answer to that in the help centre, so I'd rather not guess."
        changes = {"action": "abstain", "cause": "no_evidence", "suggestions": titles}
        yield make_reply(state, text=text, **changes)
    elif "how" in asked or "return" in asked:
        yield from FakeStream(*LIST, *TABLE, pause=0.4)(question, state)
    else:
        yield from _in_own_words(state)


def _in_own_words(state: State) -> Iterator[Sentence | Reply]:
    texts = ("Yes, you have 45 days from the delivery.", "With Ridge or Summit it is 90 days.")
    reply = make_reply(state, *texts)
    cited = tuple(
        Citation(
            n=n, article_id="returns", passage_id=RETURNS.id, title=RETURNS.title,
            url=RETURNS.url, quote=quote,
        )
        for n, quote in enumerate(
            (RETURNS.text, "Members of the tiers Ridge and Summit have **90 days**."), start=1
        )
    )  # fmt: skip
    for sentence in FakeStream(*texts, pause=0.5)("", state):
        if isinstance(sentence, Sentence):
            yield sentence
    yield make_reply(state, *texts, citations=cited, reply_id=reply.reply_id)


def main(port: int) -> None:
    import uvicorn

    app = create_app(lambda: parts(FakeRetriever(PASSAGES)), ServiceConfig(), stream=stream)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8899)
