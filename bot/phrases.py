"""Cue phrases in German, Spanish, French and Chinese; English stands with the rules that use it."""

import re
from collections.abc import Mapping
from typing import Literal

Cue = Literal[
    "person", "greeting", "thanks", "bye", "yes", "no", "cancel", "later", "skip", "correction"
]
MOST_CHARS = 60  # of a message that is nothing but a cue

# By cue: alternatives of a regular expression, the longer before those that they begin with.
PHRASES: Mapping[Cue, Mapping[str, str]] = {
    "person": {
        "de": r"(?:mit|an|zu) (?:einem?r?n? |jemand)?(?:echten? |richtigen? )?(?:mensch(?:en)?|"
        r"person|mitarbeiter(?:in)?|berater(?:in)?|kolleg(?:en|in)|jemand(?:em|en)?|em|en)\b.{0,20}"
        r"(?:sprechen|reden|schreiben|chatten|verbinden|verbunden)|verbinden sie mich|"
        r"(?:mensch|mitarbeiter(?:in)?|berater(?:in)?),? bitte|"
        r"(?:ich )?(?:will|möchte|brauche) (?:bitte )?eine?n? (?:echten )?(?:menschen|mitarbeiter|"
        r"berater)(?:in)?",
        "es": r"(?:hablar|comunicarme|contactar|chatear|p[áa]s[ae]me|con[ée]ct[ae]me) con "
        r"(?:una? )?(?:persona|humano|agente|alguien|operador|asesor|representante)|"
        r"(?:quiero|necesito) (?:a )?una? (?:persona|humano|agente|asesor|operador)",
        "fr": r"(?:parler|discuter|passez-moi|mettez-moi|contact)\b.{0,15}(?: [àa]| avec)? "
        r"(?:une? )?(?:vraie? )?(?:personne|humain|conseill(?:er|ère)|agent|quelqu['’]un|"
        r"opérateur)|"
        r"(?:je veux|je voudrais|il me faut) une? (?:conseill(?:er|ère)|humain|agent)",
        "zh": r"人工(?!智能)|真人|(?:找|联系|转接?|叫)(?:一?[个位])?客服|"
        r"(?:跟|和)(?:客服|人)(?:说|聊|谈)",
    },
    "greeting": {
        "de": r"guten (?:tag|morgen|abend)|hallo|servus|moin|grüß gott|grüezi",
        "es": r"hola|buen(?:os|as) (?:d[ií]as|tardes|noches)|buenas",
        "fr": r"bonjour|bonsoir|salut|coucou",
        "zh": r"[你您]好|早上好|下午好|晚上好|哈喽|嗨",
    },
    "thanks": {
        "de": r"dankeschön|danke(?: schön| sehr)?|(?:vielen|herzlichen|besten) dank",
        "es": r"(?:muchas |mil )?gracias",
        "fr": r"merci(?: beaucoup| bien)?",
        "zh": r"谢谢[你您]?|多谢|感谢",
    },
    "bye": {
        "de": r"auf wiedersehen|tschüss?|tschau|bis (?:bald|dann|später)|schönen tag noch",
        "es": r"adi[óo]s|hasta (?:luego|pronto|mañana|la vista)|chao",
        "fr": r"au revoir|[àa] (?:bientôt|plus)|bonne (?:journée|soirée)",
        "zh": r"再见|拜拜",
    },
    "yes": {
        "de": r"jawohl|ja|genau|richtig|stimmt|klar|gerne?|einverstanden|in ordnung|natürlich|"
        r"mach(?:en sie)? das",
        "es": r"s[íi]|claro|correcto|exacto|de acuerdo|vale|por supuesto|adelante|est[áa] bien",
        "fr": r"oui|ouais|d['’]accord|exactement|bien sûr|c['’]est (?:ça|bon|correct)|volontiers|"
        r"allez-y",
        "zh": r"是的?|对的?|好的?|可以|行|没错|没问题|确认|同意|嗯",
    },
    "no": {
        "de": r"nein|nee|nö|falsch|stimmt nicht|lieber nicht|auf keinen fall",
        "es": r"para nada|incorrecto|mejor no",
        "fr": r"non(?!-)|pas du tout|c['’]est faux",
        "zh": r"不(?!知道|清楚|确定|好意思|记得)(?:是|对|要|行|可以|用|好)?|没有|错了",
    },
    "cancel": {
        "de": r"abbrechen|abbruch|vergiss es|vergessen sie (?:es|das)|"
        r"lass(?:en sie)? (?:es|gut sein)|hat sich erledigt|"
        r"(?:ich habe|hab) (?:es )?mir anders überlegt",
        "es": r"olv[íi]d[ae]lo|d[ée]j[ae]lo|ya no (?:quiero|importa)|no importa|"
        r"he cambiado de opini[óo]n",
        "fr": r"laisse[zr]? tomber|oublie[zr]?(?: ça)?|peu importe|arrête[zr]?|"
        r"j['’]ai changé d['’]avis",
        "zh": r"算了|不用了|别管了|停止|改变主意了",
    },
    "later": {
        "de": r"später|einen (?:moment|augenblick)|moment|noch nicht|warte(?:n sie)?",
        "es": r"m[áa]s tarde|luego|un momento|todav[íi]a no|espera",
        "fr": r"plus tard|un (?:moment|instant)|pas encore|attende[zs]",
        "zh": r"等一?下|稍等|晚点|以后再说",
    },
    "skip": {
        "de": r"überspringen|weiter|weiß (?:ich )?nicht|ich weiß (?:es )?nicht|keine ahnung",
        "es": r"saltar|no (?:lo )?s[ée]|ni idea",
        "fr": r"passer|je ne sais pas|aucune idée",
        "zh": r"跳过|不知道|不清楚|不记得",
    },
    "correction": {
        "de": r"entschuldigung|ich meint?e|doch",
        "es": r"perd[óo]n|quise decir|quiero decir",
        "fr": r"pardon|désolée?|je (?:voulais|veux) dire",
        "zh": r"我是说|我的意思是|说错了|不好意思",
    },
}
FILLER = (
    r"bitte|okay|ok|aber|also|dann|noch|schon|das|es|sehr|gut|por favor|muy|bien|pues|entonces|"
    r"s['’]il (?:vous|te) pla[îi]t|svp|alors|donc|请|吧|了|的|呢|啊|哦|那|就|一下"
)


def _any(cue: Cue) -> str:
    return "|".join(PHRASES[cue].values())


def _edged(cue: Cue) -> str:
    """The phrases as whole words; Chinese has no space between its own."""
    *latin, chinese = PHRASES[cue].values()
    return rf"(?<!\w)(?:{'|'.join(latin)})(?!\w)|(?:{chinese})"


# Atomic, so that no message takes long: what was read is not read again in another way.
_WHOLE = {
    cue: re.compile(rf"(?=.*?(?:{_edged(cue)}))\W*+(?>(?:{_any(cue)}|{FILLER})\W*+)++", re.I)
    for cue in PHRASES
}
_INSIDE = {cue: re.compile(_edged(cue), re.I) for cue in PHRASES}
_BEGIN = {
    cue: re.compile(rf"\W*(?:(?:{_any('correction')})\W+)?(?:{_edged(cue)})", re.I)
    for cue in PHRASES
}


def only(cue: Cue, text: str) -> bool:
    """Whether a message is a cue and nothing else ("ja, bitte")."""
    return len(text) <= MOST_CHARS and bool(_WHOLE[cue].fullmatch(text))


def inside(cue: Cue, text: str) -> bool:
    """Whether a message holds a cue."""
    return bool(_INSIDE[cue].search(text))


def begins(cue: Cue, text: str) -> bool:
    """Whether a message begins with a cue, or with a correction and then the cue."""
    return bool(_BEGIN[cue].match(text))


def without(cue: Cue, text: str) -> str:
    """A message with a cue's phrases taken out."""
    return _INSIDE[cue].sub(" ", text)
