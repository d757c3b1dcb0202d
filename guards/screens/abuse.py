"""Abuse: is there anything in the message beside it?

A swearing customer with a question gets the answer. What is stopped is a message of which
nothing is left once insults and the words around them are taken away. The word lists on PyPI are
unkept for years or need a model of their own, and only ask whether a word occurs; hence a short
list of stems.
"""

import re

from guards.screens.disguises import readings
from guards.screens.types import Finding

_STEMS = (
    "f+u+c+k+|fck|fuk|wtf|stfu|motherf|shit|bullshit|b+i+t+c+h|a+s+s+hol|arsehol|jackass|dumbass"
    "|bastard|cunt|twat|wank|dick(?:head)?s?$|prick|piss|bollock|slut|whore|retard|moron|idiot|imbecil"
    "|stupid|dumb$|dumber|scum|crap|damn|goddam|suck(?:s|er|ers)?$|screw$|kys$|loser|pathetic"
    "|garbage|trash$|useless|worthless|rubbish|jerk|douche|nazi|hell$|die$|kill$|hate$|ass$|arse$"
)
_ABUSIVE = re.compile(rf"^(?:{_STEMS})", re.IGNORECASE)
_AROUND = re.compile(
    r"a|an|and|are|as|at|be|been|bunch|but|by|do|does|dont|don't|for|fu|get|go|going|good|"
    r"guys|hey|hi|i|i'm|im|in|is|it|it's|its|just|like|lot|man|me|my|myself|no|not|of|off|oh|"
    r"ok|on|or|our|people|piece|please|really|right|shut|so|such|that|that's|the|them|they|"
    r"this|to|total|totally|u|up|ur|very|we|what|you|you're|youre|your|yourself|yourselves|"
    r"all|absolute|absolutely|ai|bot|bots|chatbot|company|computer|customer|ever|fully|"
    r"machine|robot|service|shop|site|stuff|support|thing|things|website|with|worst"
)


def abuse(text: str) -> Finding | None:
    """The finding on a message that is nothing but abuse; None if something is asked in it.

    The score is the share of abusive words.
    """
    for reading in readings(text):
        words = re.findall(r"[\w'*]+", reading)
        abusive = [word for word in words if _ABUSIVE.match(word)]
        if abusive and all(_AROUND.fullmatch(w) for w in words if w not in abusive):
            share = round(len(abusive) / len(words), 3)
            return Finding(screen="abuse", reason="an insult without a question", score=share)
    return None
