"""From an answer to its claims: the sentences of it that can be true or false."""

import re

from guards.leaning import antecedent_of, fold, leans
from guards.types import Claim, Span
from retrieval.sentences import is_heading, is_item, sentence_spans, without_mark

# what may fill a courtesy in: nothing that a fact could hide in
_MORE = r"(?: (?:us|me|again|any ?time|for|about|further|more|any|other|help|details?|questions?))*"
_FOR = (
    r" for (?:your |the |any )?(?:patience|questions?|messages?|interest|order|purchase|time|help|"
    r"understanding|feedback|call|reaching out|contacting us|getting in touch|asking|waiting|"
    r"letting (?:us|me) know)(?: to us| with us)?"
)
_IF = (
    r"(?:if|should) (?:(?:you (?:still |ever )?(?:have|need|want|run into|get stuck|are unsure|"
    r"would like|wish)|you'?d like|you'?re unsure|there(?:'s| is| are)|anything)"
    r"(?: (?:any|anything|is|else|other|further|more|to|know|help|assistance|questions?|doubts?|"
    r"unclear|with|problems?|issues?|about|this|that|it|i|we|can|do|for|you))*)"
)
_POLITE = re.compile(
    r"^(?:(?:oh|ok|okay|great|well|sure|and|so|again),? )?(?:"
    r"hi(?: there)?|hello(?: there)?|hey(?: there)?|dear (?:customer|sir|madam)|welcome(?: back)?|"
    r"(?:many )?thank(?:s| you)(?: a lot| (?:so|very) much| again| in advance)?"
    rf"(?:{_FOR})?|"
    r"you'?re (?:very |most )?welcome|my pleasure|no (?:problem|worries)(?: at all)?|"
    r"sure(?: thing)?|of course|certainly|absolutely|ok(?:ay)?|great|perfect|got it|"
    r"(?:great|good|excellent) question|"
    r"good (?:morning|day|afternoon|evening|night)|good ?bye|bye(?: now)?|take care|cheers|"
    r"have a (?:great|good|nice|lovely|wonderful) (?:day|evening|weekend|one|time)|"
    r"(?:i am |i'?m |we are |we'?re )?(?:always )?(?:happy|glad|here) to (?:help|assist)"
    r"(?: you)?(?: (?:with|out)\b[a-z' ]{0,20})?|"
    r"(?:i|we) hope (?:this|that|it) (?:helps|answers your question|clears (?:it|that) up)|"
    r"(?:please )?(?:just )?(?:do )?(?:not hesitate|don'?t hesitate|let (?:me|us) know|feel free)"
    rf"(?: to (?:ask|reach out|contact|write|get in touch){_MORE})?(?:,? {_IF})?|"
    rf"{_IF},? (?:please )?(?:just )?(?:let (?:me|us) know|ask|(?:feel free|(?:don'?t|do not) "
    rf"hesitate) to (?:ask|contact|reach out|write)){_MORE}|"
    r"(?:is there )?anything else(?: (?:i|we) can [a-z ]{1,30})?|"
    r"(?:i am |i'?m |we are |we'?re )?(?:so |very |really )?sorry"
    r"(?: (?:to hear (?:that|this|it)|for (?:the|any|your) [a-z]+|about (?:that|this|it)))?|"
    r"(?:my |our )?(?:sincere )?apologies(?: for (?:the|any) [a-z]+)?|"
    r"(?:i|we) (?:completely |fully |really )?(?:apologi[sz]e|understand(?: (?:your|the) "
    r"(?:frustration|concern|problem|question)| how (?:frustrating|annoying) (?:that|this) is)?)|"
    r"(?:let me|i'?ll|i will|i can|we can) (?:gladly |happily |quickly )?(?:help|assist|explain|"
    r"check|look(?: into| up)?|see|find out)(?: (?:you|that|this|it|for you|with (?:that|this|it)|"
    r"into (?:that|this|it))){0,3}|"
    r"(?:one|just a|give me a) (?:moment|second|minute)(?:,? please)?|please (?:wait|hold on)|"
    r"here (?:is|are|'s) (?:what i found|the answer|an answer|how)|"
    r"(?:best|kind|warm) regards|yours (?:sincerely|truly|faithfully)"
    r")[\s!.,:;]*$",
    re.I,
)
_ASKING = re.compile(
    r"^(?:[\w' ]{0,30},\s)?(?:(?:and|so|but|or|then|also|ok(?:ay)?|well)\b,?\s*)?"
    r"(?:what|when|where|which|who|whom|whose|why|how|is|are|am|was|were|do|does|can|could|"
    r"may|might|will|would|shall|should|have|has|had|isn'?t|aren'?t|don'?t|doesn'?t|can'?t|"
    r"won'?t|did (?!you know)|any(?:thing|one)?)\b",
    re.I,
)
_TAG_QUESTION = re.compile(
    r",\s*(?:right|correct|ok(?:ay)?|yes|no|huh|you know|(?:is|are|do|does|did|can|could|will|"
    r"would|was|were|has|have)(?:n'?t)? (?:it|they|you|we|i|he|she|there))\?$",
    re.I,
)


def claims(
    answer: str, question: str | None = None, language: str = "en", *, before: str = ""
) -> tuple[Claim, ...]:
    """Finds the claims of an answer; greetings, offers, questions and headings are none.

    Args:
        answer: Any text; Markdown lists and block quotes are understood.
        question: Folded into claims too short to stand alone ("Yes.", "30 days").
        language: For the sentence splitter.
        before: What was said just before the answer, for its first sentence to lean on.
    """
    found: list[Claim] = []
    antecedent = antecedent_of(claims(before, question, language)) if before else ""
    lead_in = ""
    for start, end in sentence_spans(answer, language):
        unit = answer[start:end]
        bare = without_mark(unit.removeprefix("> "))
        start = end - len(bare)
        item = is_item(unit.removeprefix("> "))
        if not item:
            lead_in = bare if bare.rstrip().endswith(":") else ""
        if not bare.strip() or is_heading(bare) or states_nothing(bare):
            continue
        around = lead_in if item else antecedent
        standalone = fold(bare, question, around, part=bool(item and lead_in))
        found.append(Claim(text=bare, span=Span(start=start, end=end), standalone=standalone))
        if not item and not leans(bare):
            antecedent = bare
    return tuple(found)


def states_nothing(text: str) -> bool:
    """Whether a sentence is a question, a courtesy or an offer, not a statement.

    A statement with a question mark ("Refunds take 90 days, right?") is a statement.
    """
    said = text.strip()
    if not any(char.isalnum() for char in said):
        return True
    if said.endswith("?"):
        return bool(_ASKING.match(said)) and not _TAG_QUESTION.search(said)
    return bool(_POLITE.match(said))
