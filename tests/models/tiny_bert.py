"""A tiny cross-encoder: a two-layer BERT of width 32, a WordPiece of letters and a few words."""

from pathlib import Path

import pytest

PEFT_WARNS = [
    pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The PEFT config's .base_model_name_or_path:UserWarning"),
]
WORDS = [
    "you", "can", "not", "return", "most", "items", "within", "days", "of", "delivery", "opened",
    "soap", "is", "never", "refunded", "standard", "costs", "and", "takes", "three", "how", "long",
    "what", "does", "a", "the", "free", "if", "member", ".", ",", "?", ":", "4", "5", "9",
]  # fmt: skip


def bert(folder: Path, seed: int = 0) -> Path:
    """Saves the encoder and its tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    letters = "abcdefghijklmnopqrstuvwxyz0123456789€"
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *(f"##{x}" for x in letters)]
    vocabulary = {token: index for index, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=256, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(seed)
    model = BertModel(config)
    with torch.no_grad():  # the default spread gives next to equal outputs
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def adapter(base: Path, folder: Path, seed: int = 1) -> Path:
    """Saves LoRA matrices and heads, random and none of them zero, with their golden scores."""
    import torch

    from finetune.golden import write_golden
    from finetune.verifier import Recipe, save, wrap

    torch.manual_seed(seed)
    model = wrap(base, Recipe(rank=4))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2)
            if name.startswith("heads"):
                weight.mul_(3.0)
    save(model, folder, {})
    write_golden(base, folder)
    return folder
