"""What a model under training writes, decoded greedily."""

from collections.abc import Sequence
from typing import Any

from finetune.dataset.encoding import IGNORED, Encoded

METHODS = ("lora", "bottleneck", "full")  # the others put vectors before the prompt


def greedy(model: Any, tokenizer: Any, item: Encoded, most: int) -> str:
    """The model's own answer to an item's prompt, of at most so many tokens."""
    import torch

    asked = item.labels.count(IGNORED)
    ids = torch.tensor([item.ids[:asked]], device=next(model.parameters()).device)
    training = model.training
    model.eval()
    with torch.inference_mode():
        made = model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=most, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
    model.train(training)
    return str(tokenizer.decode(made[0, asked:], skip_special_tokens=True)).strip()


def samples(
    model: Any, tokenizer: Any, items: Sequence[Encoded], most: int
) -> list[tuple[str, str, str]]:
    """(asked, wanted, written) of each item; asked is the end of its prompt."""
    found = []
    for item in items:
        asked = item.labels.count(IGNORED)
        prompt, wanted = (
            str(tokenizer.decode(ids, skip_special_tokens=True)).strip()
            for ids in (item.ids[:asked], item.ids[asked:])
        )
        found.append((prompt[-600:], wanted, greedy(model, tokenizer, item, most)))
    return found
