"""Masked language modelling, to adapt an encoder to the words of a domain.

15 % of the tokens are predicted; of these 80 % are masked, 10 % are another token and 10 % stay.

    L = - sum over t in chosen of log p(x_t | x with the chosen corrupted)

Source: Devlin et al. 2018, https://arxiv.org/abs/1810.04805, section 3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import torch

from finetune.dataset.encoding import IGNORED
from finetune.errors import MethodError
from finetune.objectives.types import Batch, mask, pad

CHOSEN, MASKED, REPLACED = 0.15, 0.8, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedLM:
    """Prediction of hidden tokens over lists of token ids."""

    mask_token: int
    padding: int
    special: frozenset[int]
    vocabulary: int

    @classmethod
    def of(cls, tokenizer: Any) -> "MaskedLM":
        """For a transformers tokenizer.

        Raises:
            MethodError: It has no mask token.
        """
        if tokenizer.mask_token_id is None:
            raise MethodError("the tokenizer has no mask token; masked training needs an encoder")
        return cls(
            mask_token=tokenizer.mask_token_id,
            padding=tokenizer.pad_token_id,
            special=frozenset(tokenizer.all_special_ids),
            vocabulary=len(tokenizer),
        )

    def length(self, item: Sequence[int]) -> int:
        """Tokens of the sequence."""
        return len(item)

    def collate(self, items: Sequence[Sequence[int]], rng: Random) -> Batch:
        """Corrupts and pads: (batch, width) each."""
        pairs = [self._corrupt(item, rng) for item in items]
        return {
            "input_ids": pad([ids for ids, _ in pairs], self.padding),
            "attention_mask": mask(items),
            "labels": pad([labels for _, labels in pairs], IGNORED),
        }

    def terms(self, batch: Batch) -> int:
        """Tokens that are predicted."""
        return int((batch["labels"] != IGNORED).sum())

    def loss(self, model: Any, batch: Batch) -> torch.Tensor:
        """The summed cross-entropy of the chosen tokens."""
        labels = batch["labels"]
        output = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        logits = output.logits[:, -labels.shape[1] :][labels != IGNORED].float()
        chosen = labels[labels != IGNORED]
        return torch.nn.functional.cross_entropy(logits, chosen, reduction="sum")

    def _corrupt(self, ids: Sequence[int], rng: Random) -> tuple[list[int], list[int]]:
        places = [at for at, token in enumerate(ids) if token not in self.special]
        count = min(len(places), max(1, round(CHOSEN * len(places))))
        made, labels = list(ids), [IGNORED] * len(ids)
        for at in rng.sample(places, count):
            labels[at] = ids[at]
            lot = rng.random()
            if lot < MASKED:
                made[at] = self.mask_token
            elif lot < MASKED + REPLACED:
                made[at] = rng.randrange(self.vocabulary)
        return made, labels
