"""What has valid check digits or a valid number plan is masked; what only looks alike is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.screens.personal import personal, redact


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("card 4111 1111 1111 1111, twice", "card [card], twice"),
        ("5555-5555-5555-4444", "[card]"),
        ("IBAN GB82 WEST 1234 5698 7654 32 THANKS", "IBAN [iban] THANKS"),
        ("to de89370400440532013000.", "to [iban]."),
        ("mail bob.smith@example.co.uk now", "mail [email] now"),
        ("ring +44 20 7946 0958 or (202) 555-0143", "ring [phone] or [phone]"),
        ("nhs 943 476 5919", "nhs [national id]"),
        ("my DNI is 12345678Z", "my DNI is [national id]"),
        ("codice RSSMRA85T10A562S", "codice [national id]"),
        ("bsn 111222333", "bsn [national id]"),
        ("cpf 390.533.447-05", "cpf [national id]"),
        ("from 8.8.8.8 today", "from [ip address] today"),
        ("2001:4860:4860::8888", "[ip address]"),
        ("a@b.example, b@c.example", "[email], [email]"),
    ],
)
def test_personal_data_is_masked(text: str, masked: str) -> None:
    assert redact(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112", "GB82 WEST 1234 5698 7654 33", "order 123456789012",
        "order FW-2026-001234", "192.168.1.1 is your router", "firmware 1.2.3.4", "v8.8.8.8",
        "at 10:30:45", "it costs 1,234,567.89", "SKU 12345678A", "error 0x80070005",
        "https://help.example.com/articles/4407770369042", "9:00-14:00, 45 days, 20 kg",
        "call 555-0143", "version 2026.11.25", "dni 12345678A", "",
    ],
)  # fmt: skip
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redact(text) == text


@given(text=st.text(alphabet="0123456789 -.:@+abcdefGB", max_size=80))
def test_finds_are_apart_and_in_order(text: str) -> None:
    at = 0
    for item in personal(text):
        assert at <= item.span.start < item.span.end <= len(text)
        at = item.span.end


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_a_card_is_never_left(before: str, after: str) -> None:
    assert "4111 1111 1111 1111" not in redact(f"{before} 4111 1111 1111 1111 {after}")
