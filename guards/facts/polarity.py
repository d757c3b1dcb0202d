"""Negation, modality and opposites: does a sentence say the reverse of another?"""

import re
from functools import lru_cache

from guards.facts.numerals import listed
from guards.facts.opposites import FREE, PAID, flips, unprefixed
from guards.facts.types import Modality, Polarity
from guards.facts.words import content, overlap, sentences, stem, tokens

_NT = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|ca|wo|would|could|should|must|need|might|sha)"
    r"n['’]t\b|\b(?:dont|doesnt|cant|wont|isnt|arent|didnt)\b",
    re.I,
)
_WORD_NEGATION = re.compile(
    r"\bnot\b(?! only\b| just\b| later\b| more than\b| less than\b| before\b)|\b(?:cannot|never"
    r"|no longer|none|nobody|no one|nothing|nowhere|neither|unable|impossible|prohibited"
    r"|forbidden|banned|unavailable|ineligible|lacks?)\b|\bnon[- ](?=[a-z])"
    r"|\bno\b(?!\.| later| more than| less| fewer| earlier| matter| doubt| sooner"
    r"| longer than| (?:\w+ )?(?:cost|charge|fee|problem|worries))",
    re.I,
)
_UNSURE = re.compile(
    r"\b(?:unless|except(?:ion)?s?|apart from|other than|otherwise|but|whereas|while|although"
    r"|though|however|instead|rather|without|because|since|once|so that|even|regardless|yet"
    r"|only|just|until|till|if|when|whether|nor|neither|either)\b|;|, not\b|\band not\b|\bnot on\b",
    re.I,
)
_OPTION = re.compile(
    r"\b(?:optional(?:ly)?|voluntary|not (?:required|necessary|needed|obligatory|mandatory)"
    r"|(?:\w*n['’]t|not|never|no longer) (?:have|need|required|obliged)(?: to)?|needn['’]t|need not"
    r"|no need|isn['’]t (?:required|necessary|needed))\b",
    re.I,
)
_OBLIGATION = re.compile(
    r"\b(?:must(?! not|n['’]t)|have to|has to|required|requires?|mandatory|compulsory|obligatory"
    r"|needs? to|always needed)\b",
    re.I,
)
_PERMISSION = re.compile(r"\b(?:may|can|could|might|allowed|permitted|able to)\b", re.I)
_ANSWER = re.compile(
    r"^\W*(yes|yeah|yep|no(?=\W*[,.;:!—–-]|$)|nope|sure|absolutely|of course|certainly"
    r"|unfortunately|sorry)\b[\s,.!;:—–-]*(?:it (?:is|does)\s*[,.])?",
    re.I,
)
_YES = {"yes", "yeah", "yep", "sure", "absolutely", "of course", "certainly"}
_CUE = re.compile(
    r"\b(?:not|cannot|never|no longer|no|none|nobody|nothing|without|unable|impossible|only|unless"
    r"|except|must|may|should|required|optional|mandatory|have to|has to|need to)\b|\b\w+n['’]t\b",
    re.I,
)


_SPLIT = (
    re.compile(r"\b(?:after|later|more than|over|beyond|above)\b", re.I),
    re.compile(r"\b(?:within|up to|until|at most|under|below|less than|fewer than)\b", re.I),
)
_LIGHT_WORDS = (
    "available offer provide allow permit accept exist option moment present unavailable "
    "impossible prohibited forbidden banned"
)


@lru_cache(maxsize=1)
def _light() -> frozenset[str]:
    """Stems of the words that only say that something is there, or may be done."""
    return frozenset(stem(word) for word in listed(_LIGHT_WORDS))


def polarity(text: str) -> Polarity:
    """Parity of the negations of a sentence, and how binding it is.

    A leading "Yes" or "No" answers a question and isn't counted; neither is "not only".
    """
    body = _ANSWER.sub("", text)
    count = len(_NT.findall(body)) + len(_WORD_NEGATION.findall(body))
    return Polarity(
        negated=count % 2 == 1,
        certain=count < 2 and not _UNSURE.search(body),
        modality=_modality(body),
        cues=tuple(match.group().lower() for match in _CUE.finditer(text)),
    )


def _modality(text: str) -> Modality:
    if _OPTION.search(text):
        return "option"
    if _OBLIGATION.search(text):
        return "obligation"
    return "permission" if _PERMISSION.search(text) else "none"


def polarity_conflict(claim: str, sentence: str) -> bool:
    """Whether the two say opposite things about the same matter; False when unsure.

    Each has to be one clause about the same thing: 60 % of the claim's content words, and half of
    the sentence's. Then exactly one is negated, or an odd number of opposites differ, or one
    demands what the other leaves open.
    """
    if sentence.rstrip().endswith(("?", "?.")) or len(tokens(sentence)) < 4:
        return False
    if any(FREE.search(text) and PAID.search(FREE.sub("", text)) for text in (claim, sentence)):
        return False
    said = _main(claim)
    return bool(said) and any(_clause_conflict(said, clause) for clause in _clauses(sentence))


def _main(text: str) -> str:
    """The claim without its answer particle; "" if it has several clauses."""
    body = _ANSWER.sub("", text).strip()
    return "" if len(_clauses(body)) > 1 or len(sentences(body)) > 1 else body


def _clauses(text: str) -> list[str]:
    """Rough main clauses: parted at semicolons, colons, dashes and ", but"-like words."""
    body = _ANSWER.sub("", text).strip()
    parts = re.split(
        r"\s*[;:—–]\s+|,?\s+(?:but|whereas|while|although|though|however)\s+|,\s+(?:and|so|or"
        r"|which|who)\s+|\s-\s",
        body,
    )
    return [part for part in parts if part]


def _clause_conflict(claim: str, clause: str) -> bool:
    mine, theirs = polarity(claim), polarity(clause)
    if not (mine.certain and theirs.certain):
        return False
    other_words = content(clause) - _light()
    claim_words, odd = unprefixed(content(claim) - _light(), other_words)
    common, turned = claim_words & other_words, flips(claim, clause)
    shared = len(common) + turned
    if not claim_words or (len(claim_words) < 2 and len(other_words) > 3):
        return False
    if shared < 0.6 * len(claim_words) or shared < 0.5 * len(other_words):
        return False
    if _binding_conflict(mine, theirs) and _same_act(claim, clause):
        return True
    if "option" in (mine.modality, theirs.modality):
        return False
    if (mine.negated + theirs.negated + odd + turned) % 2 == 0:
        return False
    if _SPLIT[0].search(claim) and _SPLIT[1].search(clause):
        return False
    if _SPLIT[1].search(claim) and _SPLIT[0].search(clause):
        return False
    return _focus(claim, claim_words, other_words) and _focus(clause, other_words, claim_words)


def _same_act(claim: str, clause: str) -> bool:
    """Whether the word that "may" governs in the clause is one of the claim's."""
    if polarity(clause).modality != "permission":
        return True
    may = re.search(r"\bmay (?:be )?(\w+)", clause)
    return may is not None and stem(may[1]) in content(claim)


def _focus(text: str, own: frozenset[str], other: frozenset[str]) -> bool:
    """Whether what the text negates, if anything, is a word that the other has too."""
    for pattern in (_NT, _WORD_NEGATION):
        for match in pattern.finditer(text):
            after = [stem(word) for word in tokens(text[match.end() :])]
            meant = [word for word in after[:6] if word in own]
            if meant and meant[0] not in other:
                return False
    return True


def _binding_conflict(mine: Polarity, theirs: Polarity) -> bool:
    """Whether "must" stands against "needn't", either way; "must" against "may", one way only."""
    match mine.modality, theirs.modality:
        case ("obligation", "option") | ("option", "obligation"):
            return True
        case ("obligation", "permission"):
            return not mine.negated and not theirs.negated
        case _:
            return False


def answer_conflict(claim: str, question: str, sentence: str) -> bool:
    """Whether a leading "Yes" or "No" is wrong, given what the sentence says of the question.

    Only for a yes-or-no question that isn't itself negated, whose content words nearly all
    stand in the sentence.
    """
    lead = _ANSWER.match(claim)
    if not lead or not question or sentence.rstrip().endswith("?"):
        return False
    if not re.match(
        r"\s*(?:is|are|do|does|did|can|could|may|will|would|must|should|has|have)\b", question, re.I
    ):
        return False
    asked, theirs = polarity(question), polarity(sentence)
    words = content(question)
    if asked.negated or not theirs.certain or len(words) < 2 or flips(question, sentence):
        return False
    if overlap(words, content(sentence)) < 0.75 or bool(FREE.search(question)) != bool(
        FREE.search(sentence)
    ):
        return False
    yes = lead[1].lower() in _YES
    if yes:
        return theirs.negated and theirs.modality != "option" and not polarity(claim).negated
    return lead[1].lower() in ("no", "nope") and not theirs.negated and _plain(sentence)


def _plain(sentence: str) -> bool:
    """Whether a sentence sets no limit that a "No" could be about."""
    return not re.search(
        r"\d|\b(?:only|just|first|every|all|some|certain|from|until|after|before|within)\b",
        sentence,
        re.I,
    )


def contradiction(claim: str, evidence: list[str] | tuple[str, ...], question: str = "") -> str:
    """The evidence sentence that says the opposite of the claim, or "" if none does.

    Only the sentence nearest to the claim counts, unless another of them says the same as it.
    """
    words = content(claim)
    ranked = sorted(
        (
            (overlap(words, content(s)), s)
            for text in evidence
            for s in sentences(text)
            if not s.endswith("?")
        ),
        key=lambda pair: -pair[0],
    )
    near = [sentence for score, sentence in ranked[:1] if score >= 0.4]
    if near and polarity_conflict(claim, near[0]):
        return near[0]
    if question:
        asked = content(question)
        best = max((s for _, s in ranked), key=lambda s: overlap(asked, content(s)), default="")
        if answer_conflict(claim, question, best):
            return best
    return ""
