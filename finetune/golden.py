"""Golden scores: what a trained cross-encoder must reproduce at every start, on any machine."""

import json
from pathlib import Path

import torch

from models.cross_encoder import HEADS, encode, prepare
from models.encoder import load_verifier_torch

_RETURNS = "Returns\nItems can be sent back within 30 days of delivery, unless they were on sale."
_DELIVERY = "Delivery\nStandard delivery costs 4.90 euros in all countries and takes 3 days."
PAIRS = (
    ("support", "You have 30 days to return an item.", _RETURNS),
    ("support", "You have 60 days to return an item.", _RETURNS),
    ("support", "Delivery is free.", _DELIVERY),
    ("answer", "how long can i send things back", _RETURNS),
    ("answer", "do you ship to Iceland?", _RETURNS),
    ("answer", "what does delivery cost", _DELIVERY),
)


def write_golden(encoder_folder: Path, adapter: Path) -> None:
    """Writes golden.json beside an adapter: the torch model's scores, as it is shipped."""
    model = load_verifier_torch(encoder_folder, adapter)
    tokenizer = prepare(encoder_folder / "tokenizer.json")
    rows = []
    for head, first, second in PAIRS:
        (item,) = encode(tokenizer, [first], [second])
        with torch.inference_mode():
            logits, _ = model(
                input_ids=torch.tensor([item.ids]),
                attention_mask=torch.ones(1, len(item.ids), dtype=torch.int64),
                token_type_ids=torch.tensor([item.type_ids]),
            )
        logit = round(float(logits[0, HEADS.index(head)]), 4)
        rows.append({"head": head, "first": first, "second": second, "logit": logit})
    text = json.dumps(rows, indent=1) + "\n"
    (adapter / "golden.json").write_text(text, encoding="utf-8")
