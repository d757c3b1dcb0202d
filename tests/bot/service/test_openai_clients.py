"""OpenAI's own client and LangChain's, against the service on a port."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI

from bot.types import State
from tests.bot.service.server import listening
from tests.fakes import FakeStream, make_reply

TEXTS = ("You can return items within 45 days.", "- keep the labels", "Returns are free.")
WHOLE = "You can return items within 45 days.\n- keep the labels Returns are free."
QUESTION: Any = [{"role": "user", "content": "How long?"}]


class Pipeline(FakeStream):
    """Declines the moon, else says its texts."""

    def __call__(self, question: str, state: State, **given: object) -> Any:
        if "moon" in question:
            return iter([make_reply(state, text="No.", action="abstain", cause="no_evidence")])
        return super().__call__(question, state, **given)


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(*TEXTS)


@pytest.fixture(scope="module")
def base(pipeline: Pipeline) -> Iterator[str]:
    with listening(pipeline, keys=("secret",)) as url:
        yield f"{url}/v1"


@pytest.fixture
def client(base: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=base, api_key="secret", max_retries=0) as made:
        yield made


def ask(client: openai.OpenAI, messages: Any = QUESTION, **more: Any) -> Any:
    return client.chat.completions.create(model="truepenny", messages=messages, **more)


def test_a_whole_completion(client: openai.OpenAI) -> None:
    found = ask(client)
    choice = found.choices[0]
    assert (choice.message.role, choice.message.content) == ("assistant", WHOLE)
    assert (choice.finish_reason, found.object, found.model) == (
        "stop", "chat.completion", "truepenny",
    )  # fmt: skip
    assert found.usage.prompt_tokens == 3
    assert found.usage.completion_tokens == 18
    assert found.usage.total_tokens == 21
    assert [s["text"] for s in found.truepenny["sentences"]] == list(TEXTS)


def test_a_stream_says_the_same(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    spoken = [chunk.choices[0] for chunk in chunks if chunk.choices]
    assert spoken[0].delta.role == "assistant"
    assert "".join(choice.delta.content or "" for choice in spoken) == WHOLE
    assert [choice.finish_reason for choice in spoken] == [None] * 4 + ["stop"]
    assert not chunks[-1].choices
    assert chunks[-1].usage.total_tokens == 21
    assert chunks[-2].truepenny["text"] == WHOLE


def test_the_streaming_helper_of_the_client(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="truepenny", messages=QUESTION) as stream:
        kinds = [event.type for event in stream]
        assert stream.get_final_completion().choices[0].message.content == WHOLE
    assert {"content.delta", "content.done"} <= set(kinds)


def test_the_messages_before_are_the_conversation(
    client: openai.OpenAI, pipeline: Pipeline
) -> None:
    messages: Any = [
        {"role": "system", "content": "Be a pirate."},
        {"role": "user", "content": "What about shoes?"},
        {"role": "assistant", "content": "Shoes too."},
        {"role": "user", "content": [{"type": "text", "text": "And hats?"}]},
    ]
    ask(client, messages)
    question, state = pipeline.seen[-1]
    assert question == "And hats?"
    assert [(turn.role, turn.text) for turn in state.turns] == [
        ("user", "What about shoes?"),
        ("assistant", "Shoes too."),
    ]


def test_what_is_held_back_says_so(client: openai.OpenAI) -> None:
    moon: Any = [{"role": "user", "content": "Is the moon made of cheese?"}]
    choice = ask(client, moon).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("No.", "content_filter")
    *_, last = ask(client, moon, stream=True)
    assert last.choices[0].finish_reason == "content_filter"


def test_errors_are_the_clients_own(client: openai.OpenAI, base: str) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model="gpt-9", messages=QUESTION)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as wrong:
        ask(client, n=2)
    assert wrong.value.param == "n"
    with (
        openai.OpenAI(base_url=base, api_key="forged", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError) as forged,
    ):
        ask(stranger)
    assert forged.value.code == "invalid_api_key"


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["truepenny"]


def test_the_asynchronous_client(base: str) -> None:
    async def converse() -> str:
        async with openai.AsyncOpenAI(base_url=base, api_key="secret") as client:
            stream = await client.chat.completions.create(
                model="truepenny", messages=QUESTION, stream=True
            )
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    assert asyncio.run(converse()) == WHOLE


def test_langchains_chat_model(base: str) -> None:
    model = ChatOpenAI(model="truepenny", base_url=base, api_key="secret", max_retries=0)  # type: ignore[arg-type]
    asked = [SystemMessage("Be brief."), HumanMessage("How long?")]
    reply = model.invoke(asked)
    assert reply.content == WHOLE
    assert reply.usage_metadata
    assert reply.usage_metadata["output_tokens"] == 18
    assert reply.response_metadata["finish_reason"] == "stop"
    whole = AIMessageChunk(content="")
    for chunk in model.stream(asked, stream_usage=True):
        whole += chunk
    assert whole.content == WHOLE
    assert whole.usage_metadata
    assert whole.usage_metadata["output_tokens"] == 18
