"""A question in its conversation: what it leans on, what is found for it, and who asks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.dialogue.flows import Flows
from bot.dialogue.parts import DialogueParts
from bot.followups import How, of_the_customer, resolved, statements, telling
from bot.types import State
from bot.understanding import clean, read
from guards.quotes import words
from guards.screens.injection import injection
from retrieval.types import Hit

log = logging.getLogger("truepenny.dialogue")
MOST_EARLIER = 12  # messages that a question may lean on
MOST_HITS = 3  # where a customer's own word must stand to make a difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question as it stands alone, how it leaned, and what was found.

    `hits` None are for the pipeline to find, and to say what it can't.
    """

    query: str
    how: How = "alone"
    hits: Sequence[Hit] | None = None


def in_context(question: str, state: State, parts: DialogueParts) -> Asked:
    """Makes a question stand alone, looks it up, and adds what the customer said of themselves."""
    flows, screens = parts["dialogue"].flows, parts["guard"].config.screen
    spoken = read(question, parts["policy"].config.max_question_chars)
    if spoken.kind != "question":
        return Asked(query=spoken.text)
    earlier = [text for text in earlier_questions(state, flows) if not (screens and _attack(text))]
    found = resolved(spoken.text, earlier)
    try:
        hits = parts["retriever"].search(found.text)
    except Exception:  # the boundary: the pipeline searches, and declines, itself
        log.exception("the search failed")
        return Asked(query=found.text, how=found.how)
    return Asked(query=_of_whom(found.text, hits, earlier), how=found.how, hits=hits)


def earlier_questions(state: State, flows: Flows) -> list[str]:
    """What was asked before, oldest first; a flow that was begun counts with its title."""
    found = []
    for turn in [turn for turn in state.turns if turn.role == "user"][-MOST_EARLIER:]:
        begun = [flow for flow in map(_begun, turn.trace) if flow in flows.flows]
        if begun:
            found.append(flows.flows[begun[-1]].title)
        elif not turn.trace or any(line.startswith("answer ") for line in turn.trace):
            found.append(clean(turn.text))
    return [text for text in found if read(text, len(text)).kind == "question"]


def knowledge(state: State) -> State:
    """The conversation without what was said to and by the flows: a follow-up isn't about that."""
    kept, keeps = [], True
    for turn in state.turns:
        if turn.role == "user":
            keeps = not turn.trace or any(line.startswith("answer ") for line in turn.trace)
        if keeps:
            kept.append(turn)
    return replace(state, turns=tuple(kept))


def _of_whom(query: str, hits: Sequence[Hit], earlier: Sequence[str]) -> str:
    """The query with the customer's latest statement that the best passages tell apart by."""
    if not of_the_customer(query):
        return query
    there = {word for hit in hits[:MOST_HITS] for word in words(hit.passage.text)}
    for statement in reversed(statements(earlier)):
        if (telling(statement) - words(query)) & there:
            return f"{statement} {query}"
    return query


def _attack(text: str) -> bool:
    """Whether an earlier message tried to steer the bot: no model is to see it."""
    return injection(text, "question") is not None


def _begun(line: str) -> str:
    """The flow that a line of the trace begins, or goes on with; else nothing."""
    verb, _, rest = line.partition(" ")
    return rest.split(" ")[0] if verb in ("start_flow", "resume") else ""
