"""A scripted pipeline that knows a little of the sample shop, and what hostile texts look like."""

import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.types import Citation, Reply, Sentence, State, Suggestion
from tests.fakes import make_reply

WINDOW = "You can return most items within **45 days** of the day on which they were delivered."
MEMBERS = "Members of the tiers Ridge and Summit have **90 days**."
ANSWERS: dict[str, tuple[tuple[str, str], ...]] = {
    "worn": (("Yes, within 30 days of delivery.", "within **30 days** of delivery"),),
    "members": ((MEMBERS, MEMBERS),),
    "send back": (
        ("You have 45 days from the delivery.", WINDOW),
        ("With Ridge or Summit it is 90 days.", MEMBERS),
    ),
    "refund": tuple(
        (text, text)
        for text in (
            "We check returned items within **7 working days**.",
            "You get an e-mail when the refund has started.",
        )
    ),
    "delivery": (("| Ireland | €4.50 | €60 | €8.90 |",) * 2,),
    "repair": tuple(
        (text, text)
        for text in (
            "1. Go to fernway.example.com/repairs and choose the product from your orders.",
            "2. Describe the damage and upload two photos.",
        )
    ),
    "return": ((WINDOW, WINDOW), (MEMBERS, MEMBERS)),
}
HOSTILE = (
    "<img src=x onerror=\"window.hit='img'\"> and <script>window.hit='script'</script>.",
    "Go to [the site](javascript:window.hit='link') or [ours](https://shop.example.com/a).",
    "The file is invoice\u202efdp.exe, see [data](data:text/html,<b>x</b>).",
    "[![x](http://a.example/\"onmouseover=\"window.hit='mouse')](vbscript:x) " + "W" * 10_000,
)
DECLINED = "I can't find the answer to that in the help centre, so I'd rather not guess."
NEAREST = ("When the refund arrives", "What delivery costs", "How to return an item")


@dataclass
class Shop:
    """Streams sentences with `pause` seconds between them; with `gate`, each waits for it."""

    pause: float = 0.02
    gate: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self, question: str, state: State, **given: object) -> Iterator[Sentence | Reply]:
        asked = question.lower()
        self.seen.append(question)
        if "person" in asked:
            words = "I'm passing you on to a person, with what we have said so far."
            yield _unique(state, action="handoff", cause="customer_request", text=words)
        elif asked.startswith("hello"):
            yield _unique(state, action="clarify", text="Hello! What would you like to know?")
        elif "hostile" in asked:
            yield from self._said(state, [(text, text) for text in HOSTILE], HOSTILE[0])
        elif "crash" in asked:
            yield from self._sentences(_unique(state, "The first sentence is fine.", "Lost."), 1)
            raise ValueError("scripted")
        elif found := next((said for cue, said in ANSWERS.items() if cue in asked), None):
            yield from self._said(state, list(found))
        else:
            nearest = tuple(Suggestion(text=title, article_id="x") for title in NEAREST)
            changes = {"action": "abstain", "cause": "no_evidence", "suggestions": nearest}
            yield _unique(state, text=DECLINED, **changes)

    def _said(
        self, state: State, said: list[tuple[str, str]], title: str = "How long you can return"
    ) -> Iterator[Sentence | Reply]:
        url = "https://help.example.com/returns" if title.startswith("How") else "javascript:hit=1"
        cited = tuple(
            Citation(n=n, article_id="a", passage_id="p", title=title, url=url, quote=quote)
            for n, (_, quote) in enumerate(said, start=1)
        )
        quoted = all(text == quote for text, quote in said)
        more = {"citations": cited, "model": "quotes" if quoted else "fake"}
        reply = _unique(state, *(text for text, _ in said), **more)
        yield from self._sentences(reply, len(said))
        yield reply

    def _sentences(self, reply: Reply, most: int) -> Iterator[Sentence]:
        for sentence in reply.sentences[:most]:
            self.gate.wait(10)
            time.sleep(self.pause)
            yield sentence


def _unique(state: State, *texts: str, **changes: object) -> Reply:
    return make_reply(state, *texts, reply_id=uuid.uuid4().hex, **changes)
