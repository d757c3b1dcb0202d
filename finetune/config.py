"""The `[finetune]` section: one way to choose method, budget and limits for every task."""

from typing import Literal

from pydantic import Field

from models.config import Section

Method = Literal["lora", "bottleneck", "prefix", "prompt", "full"]

# What each method is usually trained at; a prompt of a few vectors needs large steps.
RATES: dict[str, float] = {
    "lora": 3e-4, "bottleneck": 5e-4, "prefix": 5e-3, "prompt": 1e-2, "full": 3e-5,
}  # fmt: skip


class FinetuneConfig(Section):
    """How a model is adapted.

    Lengths are tokens unless they say otherwise; `batch_tokens` counts padded ones a micro-batch.
    A `learning_rate` of 0 takes the method's usual one. `forgetting_limit` is the relative rise
    of perplexity on the general set, `overfit_limit` the held-out loss less the training loss
    (nats). `augment` counts changed copies of a training example, on average.
    """

    method: Method = "lora"
    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=16, ge=1)
    rslora: bool = True
    dora: bool = False
    bottleneck: int = Field(default=32, ge=1)
    virtual_tokens: int = Field(default=16, ge=1)

    learning_rate: float = Field(default=0.0, ge=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    warmup: float = Field(default=0.05, ge=0.0, le=1.0)
    clip: float = Field(default=1.0, gt=0.0)
    epochs: int = Field(default=3, ge=1)
    batch_tokens: int = Field(default=2048, ge=1)
    accumulate: int = Field(default=1, ge=1)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 0

    held_out: float = Field(default=0.1, gt=0.0, lt=1.0)
    evaluate_every: int = Field(default=50, ge=1)
    checkpoint_every: int = Field(default=50, ge=1)
    patience: int = Field(default=4, ge=1)
    replay: float = Field(default=0.0, ge=0.0, lt=1.0)
    kl: float = Field(default=0.0, ge=0.0)
    forgetting_limit: float = Field(default=0.03, ge=0.0)
    overfit_limit: float = Field(default=1.0, ge=0.0)

    passages: int = Field(default=2, ge=1)
    augment: float = Field(default=1.0, ge=0.0)
    temperature: float = Field(default=0.05, gt=0.0)
    negatives: int = Field(default=2, ge=0)
    beta: float = Field(default=0.1, gt=0.0)
    drafts: int = Field(default=4, ge=2)
    draft_temperature: float = Field(default=0.8, gt=0.0)

    @property
    def rate(self) -> float:
        """The peak learning rate."""
        return self.learning_rate or RATES[self.method]
