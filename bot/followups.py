"""Makes a message that leans on what was asked before stand alone, by rules.

A part that stands for another ("and to Norway?", "no, I meant a tent") takes its place in the
question before; what refers to it ("how long does that take?") is put behind it. Where a rule
isn't sure of the place, the part is put behind the question too: nothing that was said is lost.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

How = Literal["alone", "follow-up", "ellipsis", "correction", "return", "contradiction"]

MOST_WORDS = 7  # of a part of a question; what is longer says all by itself
SHORT_WORDS = 4
REFER_WORDS = 11  # in a longer message, "it" is something that the message itself names
STEM = 4  # letters that words of one stem share
_OPENING = r"(?:(?:and|but|so|or|also|then|well|hm+|ok(?:ay)?|right|anyway|now)\b[,.!\s]*)*"
_RETURN = re.compile(
    rf"^{_OPENING}(?:"
    r"(?:(?:going|coming|getting|(?:let'?s |can we )?(?:go|come|get))\s+)?back\s+(?:to|on)\s+"
    r"(?P<a>[^:,?]+)|"
    r"(?:once more|again|one more (?:thing|question))\s+(?:about|on|to|regarding)\s+(?P<b>[^:,?]+)|"
    r"(?:about|regarding|concerning|as for|on)\s+(?P<c>[^:,?]+?)\s+(?:again|once more)|"
    r"(?:that|the)\s+(?P<d>[^:,?]+?)\s+from\s+(?:before|earlier)"
    r")\s*(?:[:,?]\s*(?P<rest>.*))?$",
    re.I,
)
_SAYS = (
    r"(?:said|says|told|tells|wrote|writes|promised|claims?|claimed|did (?:it|that|this)|did so)\b"
)
_PEOPLE = (
    r"(?:lady|man|woman|guy|girl|colleague|friend|neighbou?r|agent|person|employee|assistant|clerk|"
    r"sales\w*|rep(?:resentative)?|moderator|support|hotline|chat|shop|store|team|staff|service|"
    r"people|operator|e?-?mail|letter)s?\b"
)
_TOLD = re.compile(
    rf"\b(?:your (?!tracking|page|site|app|website|system).{{0,40}}\b{_SAYS}|"
    rf"(?:an?|the|another|my|one of your?)\b.{{0,20}}\b{_PEOPLE}.{{0,30}}\b{_SAYS}|"
    r"(?:some(?:one|body)|they)\b.{0,40}\b(?:said|told|wrote|promised|claimed)\b|"
    r"(?:i was|we were|i'?ve been) (?:told|promised))",
    re.I,
)
_MEANT = re.compile(r"\bi (?:meant|mean)\b|\bi was asking (?:about|for)\b", re.I)
_CORRECTS = re.compile(
    rf"^{_OPENING}(?:no|nope|sorry|oh|ah|oops|wait|actually|wrong|not|my mistake)\b|"
    rf"{_MEANT.pattern}",
    re.I,
)
_LEAD = re.compile(
    r"^(?:(?:and|but|so|or|also|then|well|hm+|ok(?:ay)?|no|nope|sorry|oh|ah|oops|wait|actually|"
    r"wrong(?: way(?: a?round)?)?|not that|my mistake|(?:the )?other way(?: a?round)?|what about|"
    r"how about|same for|i (?:meant|mean)|i was asking (?:about|for)|it'?s|it is|that'?s|"
    r"what if it'?s|rather|instead)(?![\w'])[,.!:\s]*)+",
    re.I,
)
_TAIL = re.compile(
    r"[\s,]*\b(?:i (?:meant|mean)|actually|instead|rather|please|then|though|too|sorry)\W*$", re.I
)
_NOT = re.compile(
    r"^not\s+(?P<a>[^,]+?)(?:,|\bbut\b)\s*(?P<b>.+)$|^(?P<c>[^,]+?),?\s+(?:and )?not\s+(?P<d>.+)$",
    re.I,
)
_ADDS = re.compile(r"^(?:and|but|so|or|also|then|what about|how about|same for)\b", re.I)
_ARGUES = re.compile(
    rf"^{_OPENING}(?:why|what if|even if|in that case|what about|how about|same for)\b|"
    r"^(?:but|so)\b",
    re.I,
)
_NEW = re.compile(
    r"^(?:(?:ok(?:ay)?|and|wait|actually|meanwhile|by the way|btw|first|before that|"
    r"(?:a |one |just )?(?:completely |totally )?(?:different|other|another|quick|new|separate)\b"
    r"[\w ]{0,12}\b(?:question|thing|topic))\b[,.:!\s]+)+",
    re.I,
)
_REFERS = re.compile(
    r"(?<!\bis )(?<!\bare )\bthere\b(?! (?:is|are|a|an|any)\b)|"
    r"\b(?:it|its|that one|this one|those|them|they|these)\b|"
    r"\b(?:that|this)(?=\W*$|\s+(?:is|was|take|takes|cost|costs|work|works|mean|happen|possible|"
    r"free|too|then|for|in|on)\b)|\b(?:after|before|for|with|about|of|on|in|like|do|does) that\b|"
    r"^(?:does|is|was|can|will|has|do|did) (?:that|this)\b",
    re.I,
)
_VERB = re.compile(
    r"\b(?:do|does|did|is|are|was|were|am|can|could|may|might|will|would|shall|should|must|have|"
    r"has|had|need|want|tell|show|explain|i'?m|i'?d|i'?ve|i|we|you)\b",
    re.I,
)
_CLAUSE = re.compile(r"^(?:when|if|because|while|unless|from\b.+\bto)\b", re.I)
_PREPOSITIONS = "to|from|on|in|at|for|with|by|of|into|without|under|over|via|about|as"
_BREAK = re.compile(
    rf"^(?:{_PREPOSITIONS}|the|a|an|my|our|your|his|her|their|its|any|some|this|that|these|those|"
    r"and|or|but|not|i|you|we|they|he|she|it|me|us|what|when|where|who|why|which|how|long|much|"
    r"many|far|do|does|did|is|are|was|were|am|can|could|may|might|will|would|shall|should|must|"
    r"have|has|had|be|if|there|cost|costs|take|takes|work|works|need|needs|get|mean|use|used|"
    r"want|pay|charge|expires?|include|includes|until|than|then)$",
    re.I,
)
_ARTICLE = re.compile(r"^(?:the|a|an|my|our|your|his|her|their)\s+", re.I)
_DAY = re.compile(
    r"^(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july|"
    r"august|september|october|november|december|i|i'm|i'd|i've)$",
    re.I,
)
_TOKEN = re.compile(r"[\w][\w'’&./+-]*")
_STATES = re.compile(
    r"^(?:(?:hi|hello|hey|well|so)\b[,.!\s]*)*(?:i'?m|i am|i live|i work|i use|i have|i'?ve got|"
    r"we'?re|we are|we have|we use|we work|we build|(?:my|our) [\w ]{1,30}? (?:is|are|has|have))\b"
    r"(?!.*\b(?:want|need|would|like|looking|trying|try|problem|question|sure|sorry)\b)",
    re.I,
)
_SENTENCE = re.compile(r"[^.!?]+(?:[.!?](?=\w)[^.!?]*)*[.!?]*")
_FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|we|us|our|ours|his|her|he|she|it)\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standalone:
    """A message that stands alone, and `how` it leaned; `topic` is what a next one may lean on."""

    text: str
    topic: str
    how: How = "alone"


def resolved(message: str, earlier: Sequence[str]) -> Standalone:
    """Makes a message stand alone.

    Args:
        message: Cleaned.
        earlier: What was asked before, oldest first, cleaned; a task's title stands for the task.
    """
    topics: list[str] = []
    for text in earlier:
        topics.append(_resolved(text, topics).topic)
    return _resolved(message, topics)


def statements(earlier: Sequence[str]) -> list[str]:
    """What customers said of themselves ("I live in Norway."), sentence by sentence."""
    sentences = (part.strip() for text in earlier for part in _SENTENCE.findall(text))
    return [s for s in sentences if _STATES.match(s) and not s.endswith("?") and len(s) < 100]


def telling(statement: str) -> set[str]:
    """The words of a statement that may make a difference: names, numbers, its last word."""
    tokens = _TOKEN.findall(statement.rstrip(" .!"))
    names = [token for token in tokens[1:] if _named(token) or token[0].isdigit()]
    return {token.lower() for token in [*names, *tokens[-1:]]}


def of_the_customer(question: str) -> bool:
    """Whether an answer may hang on who asks."""
    return bool(_FIRST_PERSON.search(question))


def _resolved(message: str, topics: Sequence[str]) -> Standalone:
    """One message, with the topics before it, the latest last."""
    if not topics:
        return Standalone(text=message, topic=message)
    last = topics[-1]
    if back := _RETURN.match(message):
        return _returned(back, topics)
    if _TOLD.search(message) and not message.endswith("?"):
        return Standalone(text=last, topic=last, how="contradiction")
    core = _core(message)
    part = len(core.split()) <= MOST_WORDS and not _VERB.search(core)
    if _CORRECTS.search(message) and core and (part or _NOT.search(core)):
        made = _replaced(last, core) or f"{last} {core}"
        return Standalone(text=made, topic=made, how="correction")
    short = len(message.split()) <= SHORT_WORDS and not _VERB.search(message)
    refers = len(message.split()) <= REFER_WORDS and _REFERS.search(message)
    if part and _stems(core) and (_ADDS.match(message) or message.endswith("?")) and not refers:
        whole = _replaced(last, core) or f"{last} {message}"
        return Standalone(text=whole, topic=whole, how="ellipsis")
    if refers or short or _ARGUES.match(message) or _MEANT.search(message):
        return Standalone(text=f"{last} {message}", topic=last, how="follow-up")
    whole = _NEW.sub("", message)
    return Standalone(text=whole, topic=whole)


def _returned(match: re.Match[str], topics: Sequence[str]) -> Standalone:
    """Back to the latest topic that shares a word with what is named, else the one before."""
    named = next(found for found in (match[name] for name in "abcd") if found)
    before = topics[:-1] or topics
    shared = [topic for topic in reversed(topics) if _stems(named) & _stems(topic)]
    topic = shared[0] if shared else before[-1]
    rest = (match["rest"] or "").strip()
    return Standalone(text=f"{topic} {rest}".strip(), topic=topic, how="return")


def _core(message: str) -> str:
    """A message without what leads in and out of it."""
    text = _LEAD.sub("", message).rstrip(" ?!.")
    return _TAIL.sub("", text).strip(" ,")


def _replaced(question: str, core: str) -> str | None:
    """The question with a part of it replaced; None where the place isn't clear."""
    old, new = None, core
    if found := _NOT.search(core):
        old, new = (found["a"], found["b"]) if found["a"] else (found["d"], found["c"])
        new = _TAIL.sub("", _LEAD.sub("", new)).strip(" ,")
    if _CLAUSE.match(new):
        return None
    runs = _runs(question)
    lead = re.match(rf"^({_PREPOSITIONS})\s+", new, re.I)
    if old:
        place = next((run for run in runs if _stems(old) & _stems(question[slice(*run)])), None)
    elif lead:
        new = new[lead.end() :]
        place = _behind(question, lead[1], runs)
    else:
        place = _alike(question, new, runs)
    return _put(question, place, new) if place else None


def _runs(question: str) -> list[tuple[int, int]]:
    """Where words that tell something stand together: what could be replaced."""
    runs: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(question):
        if _BREAK.match(token[0]):
            continue
        near = runs and re.fullmatch(r"[\s-]*", question[runs[-1][1] : token.start()])
        if near:
            runs[-1] = (runs[-1][0], token.end())
        else:
            runs.append(token.span())
    return runs


def _behind(
    question: str, preposition: str, runs: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """The last run after a preposition, with at most an article between."""
    words = rf"\b{preposition}\s+(?:(?:the|a|an|my|our|your)\s+)?$"
    fit = [run for run in runs if re.search(words, question[: run[0]], re.I)]
    return fit[-1] if fit else None


def _alike(question: str, new: str, runs: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The run with a word in common; the one name for a name; else the object."""
    texts = [question[a:b] for a, b in runs]
    common = [n for n, text in enumerate(texts) if _stems(text) & _stems(new)]
    if common:
        return runs[common[-1]]
    if _named(_ARTICLE.sub("", new)):
        names = [n for n, text in enumerate(texts) if runs[n][0] and _has_name(text)]
        return runs[names[0]] if len(names) == 1 else None
    return _object(question, new, runs)


def _object(question: str, new: str, runs: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """The last run behind an article of the same kind; without one, the end of the question."""
    article = re.match(r"(an?|the)\s", new, re.I)
    if article:
        kind = "the" if article[1].lower() == "the" else "an?"
        fit = [run for run in runs if re.search(rf"\b{kind}\s+$", question[: run[0]], re.I)]
        return fit[-1] if fit else None
    before = rf"\b(?:{_PREPOSITIONS}|the|a|an|my|our|your)\s+$"
    fits = len(runs) > 1 and re.search(before, question[: runs[-1][0]], re.I)
    return runs[-1] if fits else None


def _put(question: str, place: tuple[int, int], new: str) -> str:
    """Puts words into a place, with one article: theirs, unless the place has an owner."""
    before, after = question[: place[0]], question[place[1] :]
    owned = re.search(r"\b(?:my|our|your|his|her|their)\s+$", before, re.I)
    if owned:
        new = _ARTICLE.sub("", new)
    elif _ARTICLE.match(new):
        before = re.sub(r"\b(?:the|a|an)\s+$", "", before, flags=re.I)
    elif _named(new) or new.endswith("s"):
        before = re.sub(r"\b(?:a|an)\s+$", "", before, flags=re.I)
    return f"{before}{new}{after}"


def _named(text: str) -> bool:
    """Whether a text is a name: capitals somewhere, and no weekday."""
    return any(char.isupper() for char in text) and not _DAY.match(text)


def _has_name(text: str) -> bool:
    return any(_named(token) for token in text.split())


def _stems(text: str) -> set[str]:
    """The beginnings of the words that tell something."""
    tokens = (token.lower() for token in _TOKEN.findall(text))
    return {t[:STEM] if len(t) > STEM else t for t in tokens if not _BREAK.match(t) and len(t) > 2}
