"""Personal data in a text: found by check digits and number plans, and taken out.

What can be checked by computation is (cards, IBANs, national ids); the libraries know how.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Literal

from guards.facts.literals import emails
from guards.types import Span

Kind = Literal["email", "iban", "card", "national id", "phone", "ip address"]
REGIONS = ("US", "GB")  # whose national phone numbers are known without their country code

_DIGITS = re.compile(r"(?<![\w.,/-])\d+(?:[ -]\d+)*(?![\w-])")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)", re.IGNORECASE)
_IP = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})"
    r"(?![\w:]|\.\d)"
)
MOST_GROUPS = 8  # that a card number is written in
# the form that each is written in, and the module of stdnum that checks it
_NATIONAL = (
    (r"\d{3}-\d{2}-\d{4}", "us.ssn"),
    (r"\d{3}[ -]\d{3}[ -]\d{4}", "gb.nhs"),
    (r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", "fr.nir"),
    (r"\d{8}-?[A-Za-z]", "es.dni"),
    (r"[XYZxyz]-?\d{7}-?[A-Za-z]", "es.nie"),
    (r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]", "it.codicefiscale"),
    (r"\d{11}", "pl.pesel"),
    (r"\d{2} \d{3} \d{3} \d{3}", "de.idnr"),
    (r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    (r"\d{4} \d{4} \d{4}", "in_.aadhaar"),
    (r"\d{6}[-+A]\d{3}[0-9A-Ya-y]", "fi.hetu"),
    (r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    (r"\d{6}-\d{4}", "dk.cpr"),
    (r"\d{6} ?\d{5}", "no.fodselsnummer"),
    (r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn"),
    (r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn"),
    (r"\d{3}[ -]\d{3}[ -]\d{3}", "ca.sin"),
    (r"(?<=bsn )\d{9}|(?<=bsn: )\d{9}|(?<=BSN )\d{9}|(?<=BSN: )\d{9}", "nl.bsn"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """A piece of personal data: text[span.start:span.end]."""

    kind: Kind
    span: Span


def personal(text: str) -> list[PersonalData]:
    """Finds personal data, in order and without overlap."""
    found: list[PersonalData] = []
    for kind, search in _SEARCHES:
        for start, end in search(text):
            if all(end <= item.span.start or item.span.end <= start for item in found):
                found.append(PersonalData(kind=kind, span=Span(start=start, end=end)))
    return sorted(found, key=lambda item: item.span.start)


@lru_cache(maxsize=1024)
def redact(text: str) -> str:
    """The text with each piece of personal data replaced by its kind: "[card]", "[phone]"."""
    for item in reversed(personal(text)):
        text = f"{text[: item.span.start]}[{item.kind}]{text[item.span.end :]}"
    return text


def _emails(text: str) -> Iterator[tuple[int, int]]:
    return ((fact.start, fact.end) for fact in emails(text))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """Groups of digits in a row that make a card number: an expiry date may stand beside them."""
    from stdnum import luhn

    for run in _DIGITS.finditer(text):
        groups = [(run.start() + a, run.start() + b) for a, b in _groups(run.group())]
        for first, (start, _) in enumerate(groups):
            for _, end in reversed(groups[first : first + MOST_GROUPS]):
                digits = re.sub(r"\D", "", text[start:end])
                if 13 <= len(digits) <= 19 and digits[0] in "23456" and luhn.is_valid(digits):
                    yield start, end


def _groups(run: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\d+", run)]


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    from stdnum import iban

    for match in _IBAN.finditer(text):
        end = match.end()
        while end - match.start() >= 15:  # what follows may look like more of it
            if iban.is_valid(text[match.start() : end]):
                yield match.start(), end
                break
            end = match.start() + len(text[match.start() : end - 1].rstrip(" -"))


def _ids(text: str) -> Iterator[tuple[int, int]]:
    for form, module in _NATIONAL:
        for match in re.finditer(rf"(?<![\w.-])(?:{form})(?![\w-]|\.\d)", text):
            if import_module(f"stdnum.{module}").is_valid(match.group()):
                yield match.span()


def _phones(text: str) -> Iterator[tuple[int, int]]:
    if sum(char.isdigit() for char in text) < 7:
        return
    from phonenumbers import Leniency, PhoneNumberMatcher

    searches = [(None, Leniency.VALID), *((r, Leniency.STRICT_GROUPING) for r in REGIONS)]
    for region, leniency in searches:
        for match in PhoneNumberMatcher(text, region, leniency=leniency):
            if text[match.start - 1 : match.start] != "/":  # a number in an address of the web
                yield match.start, match.end


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Addresses that belong to somebody: not those of private networks, nor versions."""
    for match in _IP.finditer(text):
        try:
            address = ipaddress.ip_address(match.group())
        except ValueError:
            continue
        if address.is_global and not re.search(
            r"(?:v|version|release|firmware) ?$", text[: match.start()]
        ):
            yield match.span()


_Search = Callable[[str], Iterator[tuple[int, int]]]
_SEARCHES: tuple[tuple[Kind, _Search], ...] = (
    ("email", _emails),
    ("iban", _ibans),
    ("card", _cards),
    ("national id", _ids),
    ("phone", _phones),
    ("ip address", _addresses),
)
