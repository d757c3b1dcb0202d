"""Examples to token ids, through the very template and tokenizer that serving uses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from bot.prompt import as_chat, messages
from finetune.dataset.types import Example
from finetune.errors import DataError

IGNORED = -100
"""The label of a position that no loss is taken at (torch's own default)."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids and labels of one sequence, both of the same length."""

    ids: list[int]
    labels: list[int]


def encode(
    examples: Sequence[Example], tokenizer: Any, context: int
) -> tuple[list[Encoded], list[Example]]:
    """Encodes examples; labels stand at the answer and the end token alone.

    Args:
        examples: What to encode.
        tokenizer: A transformers tokenizer with a chat template.
        context: The most tokens that the model takes.

    Returns:
        The encoded examples, and those that are over the context.

    Raises:
        DataError: Every example is over the context, or the tokenizer has no chat template.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise DataError(
            "the model's tokenizer has no chat template, so there is no telling how a question "
            "is put to it; use an instruction-tuned model"
        )
    made, over = [], []
    for example in examples:
        item = encode_answer(example, example.answer, tokenizer)
        if len(item.ids) <= context:
            made.append(item)
        else:
            over.append(example)
    if examples and not made:
        raise DataError(
            f"all {len(examples)} examples are over the model's {context} tokens; lower passages "
            "in [finetune], or take a model with a longer context"
        )
    return made, over


def encode_chat(chat: Sequence[dict[str, str]], tokenizer: Any) -> Encoded:
    """Encodes a chat that ends with the assistant's message; labels stand at that alone.

    Prompt and answer are split into tokens apart, as they are when the answer is generated.

    Raises:
        DataError: The template shows the prompt otherwise once an answer follows.
    """
    prompt = _prompt(chat[:-1], tokenizer)
    whole = tokenizer.apply_chat_template(list(chat), tokenize=False)
    if not whole.startswith(prompt):
        raise DataError("the chat template changes the prompt once an answer follows it")
    read = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    written = tokenizer(whole[len(prompt) :], add_special_tokens=False)["input_ids"]
    if tokenizer.eos_token_id in written:  # what a template puts after the end is never generated
        written = written[: written.index(tokenizer.eos_token_id) + 1]
    return Encoded([*read, *written], [IGNORED] * len(read) + list(written))


def encode_answer(example: Example, answer: str, tokenizer: Any) -> Encoded:
    """Encodes another answer to an example's prompt."""
    return encode_chat(_chat(example, tokenizer, AIMessage(answer)), tokenizer)


def prompt_ids(example: Example, tokenizer: Any) -> list[int]:
    """Token ids of what the model reads before it answers."""
    prompt = _prompt(_chat(example, tokenizer), tokenizer)
    return list(tokenizer(prompt, add_special_tokens=False)["input_ids"])


def special_tokens(tokenizer: Any) -> list[str]:
    """What may not stand in a message as it is; see `as_chat`."""
    return [str(token) for token in tokenizer.added_tokens_decoder.values() if token.special]


def _chat(example: Example, tokenizer: Any, *answer: AIMessage) -> list[dict[str, str]]:
    built = messages(example.question, example.passages, example.history)
    return as_chat([*built, *answer], special_tokens(tokenizer))


def _prompt(chat: Sequence[dict[str, str]], tokenizer: Any) -> str:
    return str(
        tokenizer.apply_chat_template(list(chat), tokenize=False, add_generation_prompt=True)
    )
