"""Several drafts of each answer, the guard's word on each, and the pairs that come of it.

Drafts are written to a file as they come, so sampling that was killed goes on where it stopped.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from finetune.dataset.encoding import prompt_ids
from finetune.dataset.types import Example, Judge
from guards.claims import claims

DRAFTS = "drafts.jsonl"
MAX_TOKENS = 80
TOP_P = 0.95
Write = Callable[[Example], Sequence[str]]
"""Several drafts of an example's answer."""
Verdicts = dict[str, bool]
"""Drafts that state something, and whether the guard verifies them."""


def sampler(model: Any, tokenizer: Any, count: int, temperature: float, seed: int) -> Write:
    """Drafts as the model writes them now; the same for the same example and seed."""
    import torch

    def write(example: Example) -> list[str]:
        ids = torch.tensor([prompt_ids(example, tokenizer)], device=model.device)
        key = hashlib.sha256(f"{seed} {example.question}".encode()).digest()
        torch.manual_seed(int.from_bytes(key[:7], "big"))
        training = model.training
        model.eval()
        with torch.inference_mode():
            made = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=True, top_k=0,
                top_p=TOP_P, temperature=temperature, num_return_sequences=count,
                max_new_tokens=MAX_TOKENS, pad_token_id=tokenizer.pad_token_id,
            )  # fmt: skip
        model.train(training)
        texts = tokenizer.batch_decode(made[:, ids.shape[1] :], skip_special_tokens=True)
        return [text.strip() for text in texts]

    return write


def judged(
    examples: Sequence[Example],
    write: Write,
    judge: Judge,
    file: Path,
    identity: str,
    on_draft: Callable[[int, int], None] = lambda done, of: None,
) -> Iterator[Verdicts]:
    """Yields each example's drafts with the guard's word on them, in order.

    Args:
        examples: What is to be answered.
        write: Makes the drafts.
        judge: The guard.
        file: Where they are kept; those in it already are taken from it.
        identity: Changes with whatever makes drafts in the file useless (another model).
        on_draft: Told after each example: (done, of).
    """
    known = _known(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        for number, example in enumerate(examples, start=1):
            key = _key(example, identity)
            if key not in known:
                known[key] = {
                    text: judge(text, example.passages, example.question)
                    for text in dict.fromkeys(write(example))
                    if claims(text, example.question)
                }
                lines.write(json.dumps({"key": key, "drafts": known[key]}) + "\n")
                lines.flush()
                os.fsync(lines.fileno())
            on_draft(number, len(examples))
            yield known[key]


def chosen_and_rejected(example: Example, drafts: Verdicts) -> tuple[str, str] | None:
    """A verified and a rejected draft, of lengths as near as can be: length is no merit.

    Where no draft was verified, the example's own answer is the better one. None where the guard
    rejects no draft: there is nothing to tell apart.
    """
    verified = [text for text, good in drafts.items() if good] or [example.answer]
    rejected = [text for text, good in drafts.items() if not good and text not in verified]
    if not rejected:
        return None
    return min(product(verified, rejected), key=lambda pair: abs(len(pair[0]) - len(pair[1])))


def _key(example: Example, identity: str) -> str:
    shown = [passage.text for passage in example.passages]
    said = [turn.text for turn in example.history]
    parts = json.dumps([identity, example.question, shown, said])
    return hashlib.sha256(parts.encode()).hexdigest()[:24]


def _known(file: Path) -> dict[str, Verdicts]:
    """What the file holds; a last line that was cut off by a kill is dropped from it."""
    if not file.exists():
        return {}
    text = file.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        file.write_text(whole, encoding="utf-8")
    rows = [json.loads(line) for line in whole.splitlines()]
    return {row["key"]: row["drafts"] for row in rows}
