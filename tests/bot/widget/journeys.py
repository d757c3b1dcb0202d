"""What customers do: 25 journeys that hold over the scripted shop and over the real service."""

import re
from collections.abc import Callable

from playwright.sync_api import expect

from tests.bot.widget.chat import ANSWERED, Chat

Journey = Callable[[Chat], None]
UNKNOWN = "Who was the first woman on the moon?"
# As over a slow network: there is time to close the chat before the answer comes.
SLOWLY = """() => {
  const send = window.fetch;
  window.fetch = async (...given) => {
    await new Promise((done) => setTimeout(done, 700));
    return send(...given);
  };
}"""
WINDOW = "How long can I return most items?"


def asks_and_gets_a_cited_answer(chat: Chat) -> None:
    turn = chat.start().ask(WINDOW)
    expect(turn).to_contain_text("45 days")
    expect(chat.badge).to_have_text(ANSWERED)
    expect(chat.chips.first).to_be_visible()


def opens_the_quote_and_closes_it(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.chips.first.click()
    source = chat.last.get_by_role("region")
    expect(source.locator("blockquote")).to_contain_text(re.compile(r"45|90"))
    expect(chat.chips.first).to_have_attribute("aria-expanded", "true")
    source.get_by_role("button", name="Hide").click()
    expect(source).to_have_count(0)
    expect(chat.chips.first).to_be_focused()


def learns_what_the_badge_means(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.badge.click()
    expect(chat.last.locator(".meaning")).to_contain_text("help centre")


def starts_with_a_question_offered(chat: Chat) -> None:
    chat.start().panel.get_by_role("button", name="How do I book a repair?").click()
    expect(chat.answered(1)).to_contain_text("repairs")
    expect(chat.input).to_be_focused()


def asks_from_the_page(chat: Chat) -> None:
    chat.visit().page.get_by_role("button", name="How long does the refund take?").click()
    expect(chat.answered(1)).to_contain_text("working days")


def opens_from_the_page(chat: Chat) -> None:
    chat.visit().page.get_by_role("button", name="Ask us").click()
    expect(chat.panel).to_be_visible()


def sees_a_table(chat: Chat) -> None:
    turn = chat.start().ask("What does standard delivery to Ireland cost?")
    expect(turn).to_contain_text("€4.50")


def sees_numbered_steps(chat: Chat) -> None:
    turn = chat.start().ask("How do I book a repair?")
    expect(turn.locator("ol li").first).to_be_visible()


def is_told_that_there_is_no_answer(chat: Chat) -> None:
    chat.start().ask(UNKNOWN)
    expect(chat.badge).to_have_text("No answer")
    expect(chat.chips).to_have_count(0)


def follows_a_suggestion(chat: Chat) -> None:
    chat.start().ask(UNKNOWN)
    choice = chat.last.get_by_role("list").get_by_role("button").first
    text = choice.inner_text()
    choice.click()
    chat.answered(2)
    expect(chat.panel.locator("li.mine").last).to_contain_text(text)


def asks_for_a_person_after_no_answer(chat: Chat) -> None:
    chat.start().ask(UNKNOWN)
    chat.button("Talk to a person").click()
    chat.answered(2)
    expect(chat.badge).to_have_text("A person takes over")


def asks_for_a_person_in_the_menu(chat: Chat) -> None:
    chat.start().menu("Talk to a person")
    chat.answered(1)
    expect(chat.badge).to_have_text("A person takes over")


def asks_for_a_person_in_words(chat: Chat) -> None:
    chat.start().ask("Can I speak to a real person please?")
    expect(chat.badge).to_have_text("A person takes over")


def greets(chat: Chat) -> None:
    turn = chat.start().ask("Hello")
    expect(turn).to_contain_text("would you like to know")
    expect(chat.badge).to_have_count(0)


def asks_a_follow_up(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    turn = chat.ask("And for members?")
    expect(turn).to_contain_text(re.compile(r"90 days|help centre"))
    expect(chat.panel.locator("li.turn")).to_have_count(4)


def says_that_it_helped(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.button("Helpful").click()
    expect(chat.last).to_contain_text("Thank you.")
    expect(chat.button("Helpful")).to_have_attribute("aria-pressed", "true")


def says_why_it_did_not_help(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.button("Not helpful").click()
    chat.button("Not what I asked").click()
    chat.last.get_by_role("textbox").fill("I meant boots")
    with chat.page.expect_request("**/v1/feedback") as sent:
        chat.last.get_by_role("button", name="Send").click()
    assert sent.value.post_data_json["rating"] == "down"
    assert sent.value.post_data_json["comment"] == "missed: I meant boots"
    expect(chat.last).to_contain_text("Thank you.")


def keeps_a_copy(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    with chat.page.expect_download() as saved:
        chat.menu("Download the conversation")
    text = saved.value.path().read_text(encoding="utf-8")
    assert WINDOW in text
    assert "45 days" in text
    assert "[1]" in text


def starts_over(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.menu("Start over")
    chat.button("Keep it").click()
    expect(chat.turns).to_have_count(1)
    chat.menu("Start over")
    with chat.page.expect_request(lambda sent: sent.method == "DELETE"):
        chat.button("Erase it").click()
    expect(chat.turns).to_have_count(0)
    expect(chat.button("How do I book a repair?")).to_be_visible()
    chat.page.reload()
    expect(chat.host.get_by_role("button", name="Open chat")).to_be_visible()
    expect(chat.panel).to_be_hidden()


def comes_back_after_a_reload(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.page.reload()
    expect(chat.panel).to_be_visible()
    expect(chat.turns).to_have_count(1)
    expect(chat.badge).to_have_text(ANSWERED)
    chat.chips.first.click()
    expect(chat.last.locator("blockquote")).to_be_visible()
    chat.ask("And for members?")
    expect(chat.turns).to_have_count(2)


def closes_and_is_told_of_the_answer(chat: Chat) -> None:
    chat.start().page.evaluate(SLOWLY)
    chat.write(WINDOW)
    chat.button("Close chat").click()
    launcher = chat.host.get_by_role("button", name="Open chat: there is a new reply")
    launcher.click(timeout=chat.wait_ms)
    expect(chat.last).to_contain_text("45 days")


def uses_the_keyboard_alone(chat: Chat) -> None:
    chat.visit().host.get_by_role("button", name="Open chat").focus()
    chat.page.keyboard.press("Enter")
    expect(chat.panel).to_be_visible()
    chat.input.focus()
    chat.page.keyboard.type(WINDOW)
    chat.page.keyboard.press("Enter")
    chat.answered(1)
    expect(chat.input).to_be_focused()
    chat.chips.first.focus()
    chat.page.keyboard.press("Enter")
    expect(chat.last.get_by_role("region")).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.last.get_by_role("region")).to_have_count(0)
    expect(chat.panel).to_be_visible()
    chat.page.keyboard.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.host.get_by_role("button", name="Open chat")).to_be_focused()


def writes_too_much(chat: Chat) -> None:
    chat.start().input.fill("long " * 500)
    expect(chat.panel.get_by_text("characters too long")).to_be_visible()
    expect(chat.button("Send")).to_be_disabled()
    expect(chat.ask(WINDOW)).to_contain_text("45 days")


def writes_two_lines(chat: Chat) -> None:
    chat.start().input.fill("How long can I")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("return most items?")
    chat.input.press("Enter")
    expect(chat.answered(1)).to_contain_text("45 days")
    expect(chat.panel.locator("li.mine")).to_contain_text("How long can I\nreturn most items?")


def goes_elsewhere_and_on(chat: Chat) -> None:
    chat.start().ask(WINDOW)
    chat.page.goto("about:blank")
    chat.visit()
    expect(chat.turns).to_have_count(1)
    expect(chat.ask("How long does the refund take?")).to_contain_text("working days")


JOURNEYS: tuple[Journey, ...] = (
    asks_and_gets_a_cited_answer, opens_the_quote_and_closes_it, learns_what_the_badge_means,
    starts_with_a_question_offered, asks_from_the_page, opens_from_the_page, sees_a_table,
    sees_numbered_steps, is_told_that_there_is_no_answer, follows_a_suggestion,
    asks_for_a_person_after_no_answer, asks_for_a_person_in_the_menu, asks_for_a_person_in_words,
    greets, asks_a_follow_up, says_that_it_helped, says_why_it_did_not_help, keeps_a_copy,
    starts_over, comes_back_after_a_reload, closes_and_is_told_of_the_answer,
    uses_the_keyboard_alone, writes_too_much, writes_two_lines, goes_elsewhere_and_on,
)  # fmt: skip
