"""What must stand word for word: URLs, e-mails, phone numbers, versions, codes, quotations."""

import re
from collections.abc import Iterator

from guards.facts.numerals import FLAGS
from guards.facts.types import Fact, Kind
from guards.facts.units import DURATION, MEASURE

_TLDS = (
    "com|org|net|edu|gov|mil|int|io|co|ai|app|dev|shop|store|info|biz|me|tv|cloud|online|site|tech"
    "|example|test|local|uk|us|ca|au|nz|ie|eu|de|fr|es|it|nl|be|ch|at|pt|pl|se|no|dk|fi|cz|gr|jp"
    "|cn|kr|br|mx|ru|za|sg|hk|help|support|health|bank|travel|energy|page|link|xyz"
)
_URL = re.compile(
    r"(?<![\w@.-])(?:(?:https?|ftp)://[^\s\x00<>\"')\]|`]+|www\.[^\s\x00<>\"')\]|`]+"
    rf"|(?:[a-z0-9][a-z0-9-]*\.)+(?:{_TLDS})(?![\w-]|\.[a-z0-9])(?:/[^\s\x00<>\"')\]|`]*)?)",
    FLAGS,
)
_EMAIL = re.compile(r"(?<![\w.+-])[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", FLAGS)
_PHONE = re.compile(
    r"(?<![\w.,/+:-])(?:\+[0-9][0-9 ().-]{6,18}[0-9]|\(?0[0-9]{1,5}\)?(?:[ -]?[0-9]{2,8}){1,5}"
    r"|(?:1[- ])?\(?[2-9][0-9]{2}\)?[- .][0-9]{3}[- .][0-9]{4}|[0-9]{3}-[0-9]{4})(?![\w-])",
    FLAGS,
)
_VERSION = re.compile(
    r"(?<![\w.])(?:(?P<name>version|release|firmware|ios|ipados|android|windows|macos|chrome"
    r"|firefox|safari|edge|python|java|php|node(?:\.js)?|bluetooth|usb|wi-?fi|tls|v|ver\.?)"
    r" ?v?(?P<a>[0-9]+(?:\.[0-9]+)*)(?![\w%]|\.[0-9]|,[0-9]| ?(?:%|percent))"
    r"|v?(?P<b>[0-9]+(?:\.[0-9]+){2,})(?![\w.]*[\w]))",
    FLAGS,
)
_CODE = re.compile(
    r"(?<![\w/.#-])#?(?=[\w./-]*[0-9])(?=[\w./-]*[A-Za-z])[A-Za-z0-9]+(?:[_./-][A-Za-z0-9]+)*"
    r"(?![\w])"
    r"|(?<!\w)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?!\w)"
    r"|(?<![\w./-])[\w-]+\.(?:pdf|csv|xlsx?|docx?|json|ya?ml|toml|txt|zip|exe|dmg|apk|png"
    r"|jpe?g|py|sh|ini|cfg)\b"
)
_QUANTITY = re.compile(
    rf"\$?[0-9]+(?:[.,][0-9]+)*[+-]?(?:{DURATION}|(?-i:{MEASURE})|st|nd|rd|th|[ap]m|[ap]\.m"
    rf"|[km]|bn|x|s|p|%"
    r"|(?-i:[A-Z]{3})|eur?|years?-old)?(?:-[a-z]{3,}.*)?|[0-9]+(?:[x/-][0-9]+)+(?:[a-z]{1,3})?"
    r"|(?:(?-i:[A-Z]{2,3})|[a-z]{2,})-?[0-9]{1,2}(?:-[a-z]+)?s?"
    r"|[0-9.,]+(?:gbp|usd|eur|x)(?:/[a-z]+)?",
    FLAGS,
)
_SOFT = re.compile(
    r"[0-9][A-Za-z]{1,2}|[A-Z][0-9]|[A-Za-z]2[A-Za-z]|[Mm][Pp]\d|[Cc]ovid-?19|[0-9]-[A-Z]"
)
_QUOTED = re.compile(
    r"\"([^\"\n]{2,200})\"|“([^“”\n]{2,200})”|`+([^`\n]{2,200})`+|«([^«»\n]{2,200})»"
)


def squash(text: str) -> str:
    """Lower case, runs of anything but letters and digits as one space."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def _fact(kind: Kind, value: str, match: re.Match[str], end: int, *, soft: bool = False) -> Fact:
    start = match.start()
    text = match.string[start:end]
    return Fact(kind=kind, value=value, text=text, start=start, end=end, soft=soft)


def clean_url(url: str) -> str:
    """Scheme, `www.`, fragments of punctuation and the last slash taken off; lower case."""
    url = re.sub(r"^(?:https?|ftp)://", "", url.lower()).removeprefix("www.")
    return url.rstrip(".,;:!?*_'").rstrip("/")


def urls(text: str) -> Iterator[Fact]:
    """URLs with a scheme, with `www.`, or with a well-known top-level domain."""
    for match in _URL.finditer(text):
        end = match.end() - (len(match.group()) - len(match.group().rstrip(".,;:!?*_'")))
        if value := clean_url(match.group()):
            yield _fact("url", value, match, end)


def emails(text: str) -> Iterator[Fact]:
    """E-mail addresses, lower case."""
    for match in _EMAIL.finditer(text):
        yield _fact("email", match.group().lower(), match, match.end())


def phones(text: str) -> Iterator[Fact]:
    """Telephone numbers, as national digits without the leading zero."""
    for match in _PHONE.finditer(text):
        digits = re.sub(r"\D", "", match.group())
        if 7 <= len(digits) <= 15:
            yield _fact("phone", _national(match.group(), digits), match, match.end())


def _national(text: str, digits: str) -> str:
    if text.startswith("+"):
        import phonenumbers

        try:
            digits = str(phonenumbers.parse(text, None).national_number)
        except phonenumbers.NumberParseException:
            return digits
    elif len(digits) == 11 and digits.startswith("1"):
        digits = digits[1:]
    return digits.lstrip("0")


def versions(text: str) -> Iterator[Fact]:
    """Version numbers: after a product or "version", or with two dots or more."""
    for match in _VERSION.finditer(text):
        number = match["a"] or match["b"]
        value = re.sub(r"(?:\.0+)+$", "", number)
        yield _fact("version", value, match, match.end())


def codes(text: str) -> Iterator[Fact]:
    """Tokens that mix letters and digits and aren't amounts, names in capitals, file names."""
    for match in _CODE.finditer(text):
        token = match.group()
        plain_amount = _QUANTITY.fullmatch(token) and not re.match(r"[A-Z]{2,}-?[0-9]", token)
        if plain_amount or re.fullmatch(r"[0-9]+-[a-z-]+", token):
            continue
        soft = _SOFT.fullmatch(token) is not None and not re.fullmatch(r"[A-Z][0-9]", token)
        value = re.sub(r"[\W_]+", "", token).upper()
        yield _fact("code", value, match, match.end(), soft=soft)


def quotations(text: str) -> Iterator[Fact]:
    """What stands in double quotes or backticks."""
    for match in _QUOTED.finditer(text):
        inner = squash(next(group for group in match.groups() if group))
        if inner:
            yield _fact("quoted", inner, match, match.end())
