import pytest

from bot.types import Turn
from evaluation import answers
from evaluation.baseline import PROMPT, Naive, declines
from evaluation.questions import Question
from tests.evaluation.fakes import Generator, WordVerifier, guard, reply, retriever

QUOTE = "You can return most items within 45 days of delivery."
OTHER = "Opened soap is never refunded."
RETURNS = Question(
    id="q", question="How long can I return items?", articles=("returns",),
    facts=(("45 days", "six weeks"),), forbidden=("14 days",), kind="factoid",
)  # fmt: skip
UNKNOWN = Question(id="u", question="Do you ship to Mars?", answerable=False, kind="unanswerable")


def outcome(question: Question, given: object) -> str:
    row = answers.scored(question, answers.given(given))
    return row["outcome"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (reply(QUOTE), "right"),
        (reply("It is six weeks."), "right"),
        (reply(QUOTE, action="abstain"), "declined"),
        (reply("Which item?", action="clarify"), "declined"),
        (reply("A person will help.", action="handoff"), "declined"),
        (reply(OTHER), "beside"),
        (reply(QUOTE, article="repairs"), "beside"),
        (reply("It is 60 days."), "wrong"),
        (reply(OTHER, "So no."), "wrong"),
        (reply("It is six weeks.", article="repairs"), "wrong"),
        (reply(QUOTE, "Or 14 days."), "wrong"),
        (reply(QUOTE[:30]), "wrong"),
        (reply(), "wrong"),
    ],
)
def test_the_outcomes_of_an_answerable_question(given: object, expected: str) -> None:
    assert outcome(RETURNS, given) == expected


def test_an_unanswerable_question_is_declined_or_wrong() -> None:
    assert outcome(UNKNOWN, reply("No idea.", action="abstain")) == "declined"
    assert outcome(UNKNOWN, reply(QUOTE)) == "wrong"


def test_without_expectations_an_answer_is_not_judged() -> None:
    plain = Question(id="p", question="How long?")
    assert outcome(plain, reply("Anything.")) == "unjudged"
    assert outcome(plain, reply("No idea.", action="abstain")) == "declined"


def test_facts_alone_or_articles_alone_are_enough_to_judge() -> None:
    facts = Question(id="f", question="?", facts=(("45 days",),))
    articles = Question(id="a", question="?", articles=("returns",))
    assert outcome(facts, reply(QUOTE, article="any")) == "right"
    assert outcome(articles, reply("Whatever.")) == "right"
    assert outcome(articles, reply("Whatever.", article="any")) == "wrong"


def run(replies: dict[str, object], questions: list[Question], **others) -> list[answers.Row]:
    def ask(question: str, state: object, **parts: object) -> object:
        assert parts == {"retriever": None}
        return replies[state.conversation_id.removeprefix("eval-")]

    return list(answers.rows(questions, {"retriever": None}, ask=ask, **others))


def test_the_metrics_of_a_run() -> None:
    again = [
        Question(id=f"q{i}", question="?", articles=("returns",), facts=(("45 days",),), kind="how")
        for i in range(3)
    ]
    plain = Question(id="p", question="?")
    replies = {
        "q0": reply(QUOTE), "q1": reply(OTHER), "q2": reply("So no."),
        "u": reply(QUOTE), "p": reply("x"),
    }  # fmt: skip
    found = run(replies, [*again, UNKNOWN, plain])
    result = answers.summary(found)
    metrics = {name: (m["value"], m["n"]) for name, m in result["metrics"].items()}
    assert metrics == {
        "right_and_cited": (1 / 3, 3),
        "declined_unanswerable": (0.0, 1),
        "wrong": (0.5, 4),
        "answered_not_right_strict": (0.75, 4),
        "declined_answerable": (0.0, 4),
    }
    assert result["unanswerable_answered_by_quotes_only"] == 1
    assert result["outcomes"] == {"beside": 1, "right": 1, "unjudged": 1, "wrong": 2}
    assert result["kinds"]["how"]["right_and_cited"]["n"] == 3
    assert set(result["kinds"]["unanswerable"]) == {
        "declined_unanswerable", "wrong", "answered_not_right_strict"
    }  # fmt: skip
    assert result["latency"]["verify_share"]["value"] == pytest.approx(0.25)
    assert result["latency"]["total_ms"] == {"p50": 20.0, "p95": 20.0, "n": 5}
    assert len(answers.tables(result)) == 2


def test_latency_counts_what_was_measured() -> None:
    declined = reply("No.", action="abstain", total_ms=8.0, first_sentence_ms=3.0)
    found = run({"u": declined}, [UNKNOWN])
    latency = answers.latency(found)
    assert latency["first_sentence_ms"]["n"] == 0
    assert latency["total_ms"]["p50"] == 8.0
    assert latency["verify_share"]["value"] is None


def test_a_baseline_is_scored_beside_ours() -> None:
    def naive(question: Question) -> answers.Given:
        return answers.Given(text="It is 60 days.", action="answer", articles=("returns",))

    found = run({"q": reply(QUOTE), "u": reply("?", action="abstain")}, [RETURNS, UNKNOWN],
                baselines={"naive": naive})  # fmt: skip
    beside = answers.summary(found)["baselines"]["naive"]
    assert beside["metrics"]["wrong"]["value"] == 1.0
    assert beside["mcnemar_right"] == {"n": 1, "first_only": 1, "second_only": 0, "p": 1.0}


def test_no_rows_give_an_empty_report() -> None:
    assert answers.summary([])["metrics"]["wrong"]["value"] is None


def test_naive_asks_with_the_three_nearest_chunks(tmp_path) -> None:
    generator = Generator("Returns are possible within 45 days.")
    ask = Naive(retriever(tmp_path), generator)
    given = ask(RETURNS)
    ((messages, settings),) = generator.calls
    assert messages[0].content == PROMPT
    assert "within 45 days of delivery" in messages[1].content
    assert messages[1].content.endswith("Question: How long can I return items?")
    assert settings == {"max_tokens": 120}
    assert given.articles[0] == "returns"
    assert len(given.articles) == 3
    assert given.timings["total_ms"] >= given.timings["draft_ms"]
    assert answers.scored(RETURNS, given)["outcome"] == "right"


def test_naive_joins_a_follow_up_with_its_question(tmp_path) -> None:
    generator = Generator("I don't know.")
    turns = (Turn(role="user", text="How long can I return items?"),)
    follow_up = Question(id="f", question="and on sale?", history=turns)
    given = Naive(retriever(tmp_path), generator)(follow_up)
    assert "return items? and on sale?" in generator.calls[0][0][1].content
    assert given.action == "abstain"


@pytest.mark.parametrize(
    "text",
    [
        "I don't know.",
        "I’m sorry, but I do not know the answer.",
        "The answer is not in the context.",
        "The context does not mention delivery to Mars.",
        "The context provided doesn't specify it.",
        "It is not explicitly mentioned.",
        "There is no information about that.",
        "I don't have enough information to answer.",
        "This isn't provided in the given context.",
        "Unfortunately, I cannot find it.",
        "",
    ],
)
def test_declining_is_recognised(text: str) -> None:
    assert declines(text)


@pytest.mark.parametrize(
    "text",
    [
        "You can return it within 45 days.",
        "Refunds are not provided for opened soap.",
        "If you don't know your password, reset it.",
        "No, it is not available in blue.",
        "You do not have to give your name.",
    ],
)
def test_an_answer_is_not_taken_for_declining(text: str) -> None:
    assert not declines(text)


def test_the_real_pipeline_is_asked_with_its_history(tmp_path) -> None:
    from bot.policy import BotConfig, Policy

    found = retriever(tmp_path, reranker=WordVerifier())
    policy = Policy(config=BotConfig())
    parts = {"retriever": found, "generator": None, "guard": guard(), "policy": policy}
    turns = (Turn(role="user", text="Can I return most items?"),)
    follow_up = Question(
        id="h", question="within days of delivery?", history=turns, articles=("returns",),
        facts=(("45 days",),), kind="multi-turn",
    )  # fmt: skip
    right, declined = answers.rows([follow_up, UNKNOWN], parts)
    assert (right["outcome"], right["quotes_only"]) == ("right", True)
    assert right["verdicts"][0]["guard"] == "quote"
    assert right["hits"][0]["article"] == "returns"
    assert declined["outcome"] == "declined"
    assert answers.summary([right, declined])["latency"]["first_sentence_ms"]["n"] == 1
