"""Trains the cross-encoder: LoRA on every linear layer, all heads at once.

Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685 (LoRA); Kalajdzievski 2023,
https://arxiv.org/abs/2312.03732 (rsLoRA: scale alpha / sqrt(rank)).
"""

import json
import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from finetune.golden import write_golden
from finetune.pairs import Pair
from models.cross_encoder import HEADS, build, encode, load_adapter, prepare

log = logging.getLogger("truepenny.finetune")
_WIDTH = 32  # tokens
_UNKNOWN = -1.0
_RARE = 5.0  # weight of a token of evidence: one in twenty is


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How to train. `batch_tokens` counts padded tokens a step; the rates decay linearly to 0.

    `short_first` orders the first epoch by length: from long pairs alone, fresh LoRA matrices
    learn nothing for hundreds of steps (docs/log.md).
    """

    rank: int = 48
    alpha: int = 14
    learning_rate: float = 5e-4
    head_rate: float = 1e-3
    epochs: int = 2
    batch_tokens: int = 4096
    warmup: float = 0.03
    weight_decay: float = 0.01
    seed: int = 0
    threads: int = 2
    bf16: bool = True
    short_first: bool = True


@dataclass(frozen=True, slots=True)
class _Encoded:
    ids: list[int]
    types: list[int]
    head: int
    label: float
    evidence: list[float]  # a target a token; _UNKNOWN where there is none


def wrap(encoder_folder: Path, recipe: Recipe) -> Any:
    """Loads the base encoder and puts fresh LoRA matrices and heads on it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    base = AutoModel.from_pretrained(
        encoder_folder,
        attn_implementation="sdpa",
        hidden_dropout_prob=0.0,  # dropout doubles a step's time on a CPU: the fast attention
        attention_probs_dropout_prob=0.0,  # kernel has none; few epochs and weight decay do
    )
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        use_rslora=True,
        lora_dropout=0.0,
        target_modules=["query", "key", "value", "dense"],
    )
    encoder = get_peft_model(base, config)
    encoder.config = base.config
    return build(encoder)


def train(
    pairs: Sequence[Pair],
    held: Sequence[Pair],
    encoder_folder: Path,
    out: Path,
    recipe: Recipe,
    start: Path | None = None,
) -> dict[str, Any]:
    """Trains and writes the adapter to `out`; a checkpoint in `out` is taken up again.

    Args:
        pairs: To train on.
        held: To measure on.
        encoder_folder: The base encoder.
        out: The adapter's folder.
        recipe: How.
        start: An adapter of the same rank to go on from; fresh matrices by default.

    Returns:
        The summary: steps, seconds, and AUC on `held` by head.
    """
    torch.manual_seed(recipe.seed)
    torch.set_num_threads(recipe.threads)
    tokenizer = prepare(encoder_folder / "tokenizer.json")
    model = wrap(encoder_folder, recipe)
    if start:
        load_adapter(model, start)
    data, check = _encode(tokenizer, pairs), _encode(tokenizer, held)
    batches = [list(_batches(data, recipe, epoch)) for epoch in range(recipe.epochs)]
    plan = [batch for epoch in batches for batch in epoch]
    optimizer, schedule = _optimizer(model, recipe, len(plan))
    first = _resume(out, model, optimizer, schedule)
    log.info("%d pairs, %d steps, starting at %d", len(data), len(plan), first)
    began, losses = time.monotonic(), []
    model.train()
    for step in range(first, len(plan)):
        loss = _loss(model, [data[i] for i in plan[step]], recipe.bf16)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if (step + 1) % 25 == 0:
            log.info(
                "step %d/%d loss %.3f %.2f s a step", step + 1, len(plan),
                sum(losses[-25:]) / len(losses[-25:]), (time.monotonic() - began) / len(losses),
            )  # fmt: skip
        if (step + 1) % 200 == 0:
            _checkpoint(out, model, optimizer, schedule, step + 1)
        if (step + 1) % 1500 == 0:
            log.info("held out: %s", evaluate(model, check))
    summary = {
        "recipe": asdict(recipe),
        "pairs": len(data),
        "steps": len(plan),
        "seconds": round(time.monotonic() - began),
        "held_out_auc": evaluate(model, check),
    }
    save(model, out, summary)
    write_golden(encoder_folder, out)
    (out / "checkpoint.pt").unlink(missing_ok=True)
    return summary


def evaluate(model: Any, data: Sequence[_Encoded]) -> dict[str, float]:
    """AUC by head on encoded pairs."""
    from sklearn.metrics import roc_auc_score

    logits = score(model, data)
    result = {}
    for index, head in enumerate(HEADS):
        rows = [i for i, item in enumerate(data) if item.head == index]
        labels = [data[i].label for i in rows]
        if len(set(labels)) == 2:
            auc = roc_auc_score(labels, [float(logits[i, index]) for i in rows])
            result[head] = round(float(auc), 4)
    return result


def score(model: Any, data: Sequence[_Encoded], batch: int = 64) -> torch.Tensor:
    """Logits (pairs, 2), in order, batched by length."""
    model.eval()
    order = sorted(range(len(data)), key=lambda i: len(data[i].ids))
    logits = torch.zeros(len(data), len(HEADS))
    with torch.inference_mode():
        for at in range(0, len(order), batch):
            rows = order[at : at + batch]
            logits[rows] = model(**_pad([data[i] for i in rows]))[0].float()
    model.train()
    return logits


def save(model: Any, out: Path, summary: dict[str, Any]) -> None:
    """Writes LoRA matrices and heads as float16 safetensors, with the run's summary."""
    from peft import get_peft_model_state_dict
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    lora = get_peft_model_state_dict(model.encoder)
    save_file(
        {k: v.half().contiguous() for k, v in lora.items()}, out / "adapter_model.safetensors"
    )
    heads = model.heads.state_dict()
    save_file({k: v.half().contiguous() for k, v in heads.items()}, out / "heads.safetensors")
    config = next(iter(model.encoder.peft_config.values()))
    config.inference_mode = True
    config.base_model_name_or_path = "all-MiniLM-L6-v2"
    config.save_pretrained(out)
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def _encode(tokenizer: Any, pairs: Sequence[Pair]) -> list[_Encoded]:
    encodings = encode(tokenizer, [p.first for p in pairs], [p.second for p in pairs])
    return [
        _Encoded(
            item.ids, item.type_ids, HEADS.index(pair.head), float(pair.label),
            _evidence(item, pair),
        )
        for item, pair in zip(encodings, pairs, strict=True)
    ]  # fmt: skip


def _evidence(item: Any, pair: Pair) -> list[float]:
    """Which tokens of the passage hold the answer: none of one that doesn't answer."""
    known = pair.head == "answer" and (not pair.label or pair.evidence is not None)
    spans = pair.evidence or ()
    return [
        float(any(start < b and a < end for a, b in spans)) if known and side == 1 else _UNKNOWN
        for side, (start, end) in zip(item.sequence_ids, item.offsets, strict=True)
    ]


def _batches(data: Sequence[_Encoded], recipe: Recipe, epoch: int) -> Iterator[list[int]]:
    """Batches of one padded width each, in random order.

    Widths are multiples of `_WIDTH` and every width has one batch size, because oneDNN compiles
    its kernels anew for each shape that it meets.
    """
    rng = random.Random(recipe.seed + epoch)
    buckets: dict[int, list[int]] = {}
    for index in rng.sample(range(len(data)), len(data)):
        buckets.setdefault(_width(len(data[index].ids)), []).append(index)
    batches: list[list[int]] = []
    for width, rows in buckets.items():
        size = min(96, recipe.batch_tokens // width)
        batches.extend(rows[at : at + size] for at in range(0, len(rows), size))
    rng.shuffle(batches)
    if epoch == 0 and recipe.short_first:
        noise = 96
        batches.sort(key=lambda rows: _width(len(data[rows[0]].ids)) + rng.random() * noise)
    yield from batches


def _width(tokens: int) -> int:
    return -(-tokens // _WIDTH) * _WIDTH


def _pad(items: Sequence[_Encoded]) -> dict[str, torch.Tensor]:
    width = _width(max(len(item.ids) for item in items))
    zeros = [[0] * (width - len(item.ids)) for item in items]
    return {
        "input_ids": torch.tensor([i.ids + z for i, z in zip(items, zeros, strict=True)]),
        "token_type_ids": torch.tensor([i.types + z for i, z in zip(items, zeros, strict=True)]),
        "attention_mask": torch.tensor(
            [[1] * len(i.ids) + z for i, z in zip(items, zeros, strict=True)]
        ),
    }


def _loss(model: Any, items: Sequence[_Encoded], bf16: bool) -> torch.Tensor:
    """Binary cross-entropy of each pair on its own head, and of the tokens that are marked."""
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        logits, tokens = (out.float() for out in model(**_pad(items)))
    chosen = logits[torch.arange(len(items)), torch.tensor([item.head for item in items])]
    target = torch.tensor([item.label for item in items])
    loss = torch.nn.functional.binary_cross_entropy_with_logits(chosen, target)
    width = tokens.shape[1]
    marks = torch.tensor(
        [item.evidence + [_UNKNOWN] * (width - len(item.evidence)) for item in items]
    )
    known = marks != _UNKNOWN
    if not known.any():
        return loss
    return loss + torch.nn.functional.binary_cross_entropy_with_logits(
        tokens[known], marks[known], pos_weight=torch.tensor(_RARE)
    )


def _optimizer(model: Any, recipe: Recipe, steps: int) -> tuple[Any, Any]:
    lora = [p for n, p in model.encoder.named_parameters() if p.requires_grad]
    groups = [
        {"params": lora, "lr": recipe.learning_rate},
        {"params": list(model.heads.parameters()), "lr": recipe.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
    warm = max(1, math.ceil(steps * recipe.warmup))

    def factor(step: int) -> float:
        return (step + 1) / warm if step < warm else max(0.0, (steps - step) / (steps - warm))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _checkpoint(out: Path, model: Any, optimizer: Any, schedule: Any, step: int) -> None:
    out.mkdir(parents=True, exist_ok=True)
    weights = {k: v for k, v in model.state_dict().items() if "lora_" in k or k.startswith("heads")}
    state = {
        "step": step,
        "model": weights,
        "optimizer": optimizer.state_dict(),
        "schedule": schedule.state_dict(),
    }
    torch.save(state, out / "checkpoint.tmp")
    (out / "checkpoint.tmp").replace(out / "checkpoint.pt")


def _resume(out: Path, model: Any, optimizer: Any, schedule: Any) -> int:
    path = out / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"], strict=False)
    optimizer.load_state_dict(state["optimizer"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])
