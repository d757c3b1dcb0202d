"""The exact-facts tier: extraction, entailment, bounds, polarity, names."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guards.facts import (
    answer_conflict,
    bound,
    check,
    contradiction,
    extract,
    polarity,
    polarity_conflict,
    unknown_names,
)

READINGS = [
    ("30 days", "duration", "2592000", "s"),
    ("thirty days", "duration", "2592000", "s"),
    ("a 30-day period", "duration", "2592000", "s"),
    ("a thirty-day period", "duration", "2592000", "s"),
    ("24 h", "duration", "86400", "s"),
    ("24-hour line", "duration", "86400", "s"),
    ("for a week", "duration", "604800", "s"),
    ("half an hour", "duration", "1800", "s"),
    ("a quarter of an hour", "duration", "900", "s"),
    ("an hour and a half", "duration", "5400", "s"),
    ("1 hour 30 minutes", "duration", "5400", "s"),
    ("two and a half years", "duration", "30", "month"),
    ("5 working days", "duration", "5", "workday"),
    ("two full calendar months", "duration", "2", "month"),
    ("open 24/7", "duration", "always", "always"),
    ("$5", "money", "5", "$"),
    ("US$5", "money", "5", "USD"),
    ("5 USD", "money", "5", "USD"),
    ("£1,500", "money", "1500", "GBP"),
    ("1.000,50 €", "money", "1000.5", "EUR"),
    ("5,99 €", "money", "5.99", "EUR"),
    ("20p", "money", "0.2", "GBP"),
    ("10gbp", "money", "10", "GBP"),
    ("twelve pounds", "money", "12", "GBP"),
    ("$2 million", "money", "2000000", "$"),
    ("10 %", "percent", "10", ""),
    ("10 percent", "percent", "10", ""),
    ("ten per cent", "percent", "10", ""),
    ("5 March 2024", "date", "2024-03-05", ""),
    ("March 5, 2024", "date", "2024-03-05", ""),
    ("the 5th of March", "date", "--03-05", ""),
    ("2024-03-05", "date", "2024-03-05", ""),
    ("03/05/2024", "date", "2024-03-05|2024-05-03", ""),
    ("in July", "date", "--07", ""),
    ("on Tuesdays", "date", "day-1", ""),
    ("5 pm", "time", "17:00", ""),
    ("5:30 p.m.", "time", "17:30", ""),
    ("17:00", "time", "17:00", ""),
    ("9:30", "time", "09:30", "12h"),
    ("noon", "time", "12:00", ""),
    ("four in the afternoon", "time", "16:00", ""),
    ("half past five", "time", "05:30", "12h"),
    ("iOS 15.0", "version", "15", ""),
    ("v1.2.3", "version", "1.2.3", ""),
    ("0300 555 0142", "phone", "3005550142", ""),
    ("+44 300 555 0142", "phone", "3005550142", ""),
    ("write to Help@Acme.example.", "email", "help@acme.example", ""),
    ("see https://www.acme.example/a/.", "url", "acme.example/a", ""),
    ("acme.example/reading", "url", "acme.example/reading", ""),
    ("ERR_403", "code", "ERR403", ""),
    ("SKU: ABX00080", "code", "ABX00080", ""),
    ("form P3", "code", "P3", ""),
    ("the message `Loop detected`", "quoted", "loop detected", ""),
    ("10 GB", "number", "10", "GB"),
    ("2 kg", "number", "2000", "g"),
    ("40 × 30 × 20 cm", "number", "0.4", "m"),
    ("one hundred and twenty people", "number", "120", "people"),
    ("10 000 items", "number", "10000", "items"),
    ("16-digit", "number", "16", "digit"),
]


@pytest.mark.parametrize(("text", "kind", "value", "unit"), READINGS)
def test_extract_reads(text: str, kind: str, value: str, unit: str) -> None:
    assert (kind, value, unit) in [(fact.kind, fact.value, fact.unit) for fact in extract(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Turn on two-factor authentication.",
        "It is one of the best.",
        "Use 2FA to sign in.",
        "A one-off job and a 5G phone.",
        "The second attempt and the first night.",
        "You can ask anyone and everyone.",
    ],
)
def test_extract_demands_nothing(text: str) -> None:
    assert [fact for fact in extract(text) if not fact.soft] == []


SAME = [
    ("You have 30 days.", "You have thirty days."),
    ("You have thirty days.", "There is a 30-day period."),
    ("It takes 24 hours.", "It takes 1 day."),
    ("It takes two weeks.", "It takes 14 days."),
    ("It takes an hour.", "It takes 60 minutes."),
    ("It takes 12 months.", "It takes a year."),
    ("Up to 1,000 files.", "Up to 1000 files."),
    ("It costs $5.", "It costs 5 USD."),
    ("It costs US$5.", "It costs $5."),
    ("It costs €6.", "It costs 6 euros."),
    ("It costs 10 gbp.", "It costs £10."),
    ("It costs €0.06.", "It costs 6 cents."),
    ("You get 10 %.", "You get 10 percent."),
    ("You get 25% of it.", "You get a quarter of it."),
    ("It ends on 5 March 2024.", "It ends on March 5th, 2024."),
    ("It ends on 2024-03-05.", "It ends on 5 Mar 2024."),
    ("It ends on 5 March.", "It ends on 05/03/2024."),
    ("We close at 5 pm.", "We close at 17:00."),
    ("We close at noon.", "We close at 12 pm."),
    ("We close at 9:30.", "We close at 9.30 pm."),
    ("We open on Wednesday.", "We open Monday to Friday."),
    ("We open in August.", "Open from July to September."),
    ("No transfers on Saturdays.", "Transfers are made on working days."),
    ("Call +44 300 555 0142.", "Call 0300 555 0142."),
    ("See Acme.example/help/.", "See https://www.acme.example/help for more."),
    ("Mail HELP@acme.example.", "Mail help@acme.example"),
    ("It shows err-403.", "It shows ERR_403."),
    ('It says "Loop detected".', "It says Loop detected."),
    ("It takes 3 days.", "It takes 3 to 5 days."),
    ("It costs £5 or £10.", "It costs £5–10."),
    ("Anyone over 65 travels free.", "Free from 65 years of age."),
    ("A 17-year-old needs a signature.", "Members under 18 need a signature."),
    ("You get 3 attempts.", "You get three tries."),
    ("It is valid for 5 days.", "| Plan | Days |\n|---|---|\n| Basic | 5 |"),
    ("Updated to iOS 15.", "Requires iOS 15.0."),
    ("It weighs 2 kg.", "It weighs 2000 g."),
    ("The bag may be 40 cm.", "The bag may be 40 x 30 x 20 cm."),
    ("Delivery costs £0.", "Delivery is free."),
    ("We are open 24/7.", "We are open 24 hours a day."),
    ("It costs £5 a month.", "The monthly price is £5."),
]


@pytest.mark.parametrize(("claim", "evidence"), SAME)
def test_paraphrases_pass(claim: str, evidence: str) -> None:
    assert check(claim, [evidence]).ok, check(claim, [evidence]).reason


DIFFERENT = [
    ("You have 30 days.", "You have 14 days."),
    ("You have 30 days.", "You have 30 items."),
    ("You have 30 days.", "You have 30 months."),
    ("You have 30 items.", "You have 30 days."),
    ("It takes 5 days.", "It takes 5 working days."),
    ("It takes a week.", "It takes a month."),
    ("It costs $5.", "It costs €5."),
    ("It costs £5.", "It costs £50."),
    ("You get 10 %.", "You get 15 %."),
    ("You get 10 %.", "You get £10."),
    ("It ends on 5 March.", "It ends on 6 March."),
    ("It ends on 5 March 2024.", "It ends on 5 March."),
    ("We open on Sunday.", "We open Monday to Friday."),
    ("It runs from May to October.", "It runs from April to October."),
    ("We close at 5 pm.", "We close at 6 pm."),
    ("We close at 5 pm.", "We close at 5 am."),
    ("Call 0300 555 0142.", "Call 0300 555 0143."),
    ("See acme.example/help.", "See acme.example/support."),
    ("See acme.com.", "See acme.org."),
    ("Mail help@acme.example.", "Mail info@acme.example."),
    ("It shows ERR_403.", "It shows ERR_404."),
    ("Order ABX00080.", "Order ABX00081."),
    ('It says "Loop detected".', 'It says "Access denied".'),
    ("It weighs 2 kg.", "It weighs 2 lb."),
    ("You get 10 GB.", "You get 10 MB."),
    ("You can add eight people.", "You can add six people."),
    ("Requires iOS 15.", "Requires iOS 16."),
    ("It costs £5 a week.", "It costs £5 a month."),
    ("You must be at least 18.", "You must be at most 18."),
    ("You may add at least 5 users to a team.", "You may add up to 5 users to a team."),
]


@pytest.mark.parametrize(("claim", "evidence"), DIFFERENT)
def test_changes_fail(claim: str, evidence: str) -> None:
    got = check(claim, [evidence])
    assert not got.ok
    assert got.missing
    assert got.reason


def test_check_reads_all_the_evidence_together() -> None:
    assert check("It costs £5 and takes 3 days.", ["It costs £5.", "It takes 3 days."]).ok


def test_no_evidence_entails_no_fact() -> None:
    assert not check("It takes 3 days.", []).ok
    assert check("It takes a while.", []).ok


@pytest.mark.parametrize(
    ("claim", "ok"),
    [
        ("If you return it after 45 days, we can't refund it.", True),
        ("No, 45 days is too late.", True),
        ("You can return it within 45 days.", False),
        ("Yes, you have 45 days.", False),
    ],
)
def test_a_fact_of_the_question_may_only_be_repeated(claim: str, ok: bool) -> None:
    question = "Can I return it after 45 days?"
    assert check(claim, ["Returns are free within 30 days."], question).ok is ok


def test_a_price_is_never_borrowed_from_the_question() -> None:
    assert not check("If you pay £5, it ships.", ["It ships."], "Does it ship if I pay £5?").ok


def test_right_value_in_the_wrong_place() -> None:
    evidence = ["A rule can hold ten actions. Rules are stopped after five loops."]
    assert not check("A rule can hold five actions.", evidence).ok
    assert check("A rule can hold ten actions.", evidence).ok


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("at least 18", "min"),
        ("18 or over", "min"),
        ("more than 18", "min"),
        ("up to 18", "max"),
        ("no more than 18", "max"),
        ("18 at most", "max"),
        ("no later than 18", "max"),
        ("exactly 18", ""),
    ],
)
def test_bound(text: str, way: str) -> None:
    assert bound(text, next(fact for fact in extract(text) if fact.value == "18")) == way


CONFLICTS = [
    ("The card can be reactivated.", "The card cannot be reactivated."),
    ("Saver tickets are not refundable.", "Saver tickets are refundable."),
    ("Saver tickets are refundable.", "Saver tickets are non-refundable."),
    ("Smoking is allowed on the train.", "No, smoking is not allowed on the train."),
    ("Pets are never allowed in rooms.", "Pets are allowed in rooms."),
    ("A deposit must be paid in advance.", "A deposit paid in advance is optional."),
    ("Swimwear is optional.", "Swimwear is mandatory here."),
    ("A photo of the meter must be sent.", "A photo of the meter may be sent."),
    ("Breakfast is included in the rate.", "Breakfast is excluded from the rate."),
    ("Two-step login is enabled by default.", "Two-step login is disabled by default."),
    ("Lock the door before leaving the room.", "Lock the door after leaving the room."),
    ("Parking at the hotel is free.", "Parking at the hotel costs £5 extra."),
    ("The item is available in stores.", "The item is unavailable in stores."),
]


@pytest.mark.parametrize(("claim", "sentence"), CONFLICTS)
def test_polarity_conflict(claim: str, sentence: str) -> None:
    assert polarity_conflict(claim, sentence)


AGREE = [
    ("The card can't be reactivated.", "The card cannot be reactivated."),
    ("Smoking is prohibited on the train.", "No, smoking is not allowed on the train."),
    ("No smoking is allowed on the train.", "No, smoking is not allowed on the train."),
    ("Not only cards are accepted at the till.", "Cards are accepted at the till."),
    ("If you can't sign in, reset the password.", "Reset the password to sign in."),
    ("You don't have to pay a deposit.", "Paying a deposit is optional."),
    ("You needn't pay a deposit.", "You don't have to pay a deposit."),
    ("You can send requests by email.", "You must send requests by email."),
    ("Tickets can be refunded.", "Tickets can't be refunded unless the train is cancelled."),
    ("Parking at the hotel is free.", "Parking at the hotel is free of charge."),
    ("Delivery is at no extra charge.", "Delivery is free."),
    ("Cards are accepted.", "Are cards not accepted?"),
    ("The bus runs daily.", "The shop does not sell bikes."),
    ("It is not impossible to change the date.", "It is possible to change the date."),
]


@pytest.mark.parametrize(("claim", "sentence"), AGREE)
def test_no_conflict_when_unsure(claim: str, sentence: str) -> None:
    assert not polarity_conflict(claim, sentence)


@pytest.mark.parametrize(
    ("claim", "sentence", "wrong"),
    [
        ("Yes, you can.", "Pets are not allowed in the rooms.", True),
        ("No, you can't.", "Pets are not allowed in the rooms.", False),
        ("No, sorry.", "Pets are allowed in the rooms.", True),
        ("Yes, sure.", "Pets are allowed in the rooms.", False),
        ("Yes.", "Breakfast is not served.", False),
    ],
)
def test_answer_conflict(claim: str, sentence: str, wrong: bool) -> None:
    assert answer_conflict(claim, "Are pets allowed in the rooms?", sentence) is wrong


def test_contradiction_names_the_sentence() -> None:
    evidence = ["Is smoking allowed? Smoking is not allowed on the train. Dogs are welcome."]
    want = "Smoking is not allowed on the train."
    assert contradiction("Smoking is allowed on the train.", evidence) == want
    assert contradiction("Dogs are welcome.", evidence) == ""
    assert contradiction("Anything.", []) == ""


def test_polarity_reports_its_cues() -> None:
    got = polarity("You must not smoke, unless the host agrees.")
    assert (got.negated, got.certain) == (True, False)
    assert {"must", "not", "unless"} <= set(got.cues)
    assert polarity("You don't have to pay.").modality == "option"
    assert polarity("You must pay.").modality == "obligation"


@pytest.mark.parametrize(
    ("claim", "names"),
    [
        ("Choose the Premium plan.", ("Premium",)),
        ("Choose the Basic plan.", ()),
        ("Pay with PayPal or Klarna.", ("Klarna",)),
        ("Open **Cards > Freeze** in the app.", ()),
        ("Open **Settings** in the app.", ("Settings",)),
        ("Basics are covered on Monday by ID.", ()),
        ("Yes, It is covered.", ()),
        ("Ask Gold members.", ()),
    ],
)
def test_unknown_names(claim: str, names: tuple[str, ...]) -> None:
    evidence = ["The Basic plan is paid by PayPal. Go to Cards > Freeze."]
    assert unknown_names(claim, evidence, "Is it for gold members?") == names


SENTENCES = [
    *(text for text, *_ in READINGS),
    *(text for pair in (*SAME, *DIFFERENT, *CONFLICTS, *AGREE) for text in pair),
]


@pytest.mark.parametrize("text", sorted(set(SENTENCES)))
def test_a_sentence_entails_itself(text: str) -> None:
    assert check(text, [text]).ok, check(text, [text]).reason
    assert contradiction(text, [text]) == ""
    assert unknown_names(text, [text]) == ()


PIECES = st.sampled_from([*SENTENCES, "€", "$", "%", "1", "½", "٣", "ſ", "K", "\u00a0", "-", "a"])
TEXTS = st.one_of(st.text(), st.lists(PIECES, max_size=6).map(" ".join))


@given(TEXTS)
def test_spans_hold_the_text(text: str) -> None:
    for fact in extract(text):
        assert text[fact.start : fact.end] == fact.text
        assert fact.text


@given(TEXTS)
def test_any_text_entails_itself(text: str) -> None:
    assert not check(text, [text]).missing or not text.strip()


@given(TEXTS, TEXTS)
def test_nothing_raises(claim: str, evidence: str) -> None:
    check(claim, [evidence], claim)
    contradiction(claim, [evidence], evidence)
    unknown_names(claim, [evidence])


def test_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, guards.facts; heavy = {'torch', 'transformers', 'babel', 'phonenumbers',"
        " 'numpy', 'Stemmer'} & set(sys.modules); sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
