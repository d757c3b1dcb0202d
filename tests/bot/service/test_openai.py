"""OpenAI's protocol over fakes: its forms, its errors, and that nothing unsaid slips out."""

import json
import threading
from typing import Any

import pytest

from bot.service.openai_render import Deltas
from bot.types import Reply, State
from tests.bot.client import serving
from tests.fakes import FakeStream, make_reply

STATE = State(conversation_id="c")
URL = "/v1/chat/completions"


def body(**changes: Any) -> dict[str, Any]:
    return {"model": "truepenny", "messages": [{"role": "user", "content": "How long?"}], **changes}


def lines(text: str) -> list[str]:
    return [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]


def said(reply: Reply) -> str:
    deltas = Deltas()
    return "".join(deltas.sentence(s) for s in reply.sentences) + deltas.rest(reply)


def test_the_stream_is_lines_of_data_and_ends_with_done() -> None:
    with serving() as client:
        response = client.post(URL, json=body(stream=True))
    assert response.headers["content-type"].startswith("text/event-stream")
    found = lines(response.text)
    assert found[-1] == "[DONE]"
    chunks = [json.loads(line) for line in found[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert all("usage" not in chunk for chunk in chunks)


def test_nothing_is_put_on_record() -> None:
    with serving() as client:
        reply = client.post(URL, json=body()).json()["truepenny"]
        assert client.get(f"/v1/conversations/{reply['conversation_id']}").status_code == 404


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "body"),
        ({"messages": [{"role": "assistant", "content": "Hi."}]}, "body"),
        ({"messages": [{"role": "wizard", "content": "Hi."}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "x" * 10_001}]}, "body"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages.0.content"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"logprobs": True}, "logprobs"),
        ({"stream": "sometimes"}, "stream"),
    ],
)
def test_what_cannot_be_honoured_is_refused(changes: Any, param: str) -> None:
    with serving() as client:
        content = json.dumps(body(**changes))
        response = client.post(URL, content=content, headers={"Content-Type": "application/json"})
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert error["param"].startswith(param)


def test_a_models_settings_are_read_over() -> None:
    with serving() as client:
        settings = {"temperature": 0.3, "max_tokens": 5, "seed": 1, "tools": [], "user": "u1"}
        assert client.post(URL, json=body(**settings)).status_code == 200


def test_an_error_on_the_way_ends_the_stream_in_openais_form() -> None:
    with serving(FakeStream("One is so.", error=ValueError("secret"))) as client:
        found = lines(client.post(URL, json=body(stream=True)).text)
        whole = client.post(URL, json=body())
    assert json.loads(found[-1])["error"]["type"] == "server_error"
    assert whole.status_code == 500
    assert "secret" not in whole.text + found[-1]


def test_a_full_line_is_told_with_a_time_to_wait() -> None:
    gate, begun = threading.Event(), threading.Event()
    with serving(FakeStream(gate=gate, before=begun.set), max_waiting=0) as client:
        asking = threading.Thread(target=client.post, args=(URL,), kwargs={"json": body()})
        asking.start()
        assert begun.wait(5)
        response = client.post(URL, json=body())
        gate.set()
        asking.join(5)
    assert (response.status_code, response.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(response.headers["retry-after"]) > 0


def test_deltas_add_up_to_the_text() -> None:
    reply = make_reply(STATE, "Pack it:", "- in a box", "| a | b |", "Then send it.")
    assert said(reply) == reply.text


def test_words_around_the_sentences_come_with_the_reply() -> None:
    reply = make_reply(STATE, "It takes 5 days.")
    longer = make_reply(
        STATE, text="Hello! It takes 5 days. Which order?",
        sentences=(_moved(reply.sentences[0], 7),),
    )  # fmt: skip
    assert said(longer) == longer.text


def test_a_reply_that_takes_back_its_sentences_is_said_whole() -> None:
    deltas = Deltas()
    first = deltas.sentence(make_reply(STATE, "It is free.").sentences[0])
    declined = make_reply(STATE, text="I can't say.", action="abstain", cause="unchecked")
    assert first + deltas.rest(declined) == "It is free.\n\nI can't say."


def _moved(sentence: Any, by: int) -> Any:
    from dataclasses import replace

    return replace(sentence, start=sentence.start + by, end=sentence.end + by)
