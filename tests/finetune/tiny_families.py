"""Tiny random-weight models of every family, with one byte-level tokenizer."""

from pathlib import Path
from typing import Any

import pytest

from tests.models.tiny import TEMPLATE

FAMILIES = ("llama", "gpt2", "bert", "roberta", "xlnet")
# PEFT 0.21 hands a prefix over by the name that transformers 5.24 has deprecated
CACHE_WARNS = pytest.mark.filterwarnings("ignore:`past_key_values` is deprecated:FutureWarning")
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|mask|>")
SIZE = 256 + len(SPECIAL)


def tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: n for n, token in enumerate([*SPECIAL, *letters])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<|im_start|>", eos_token="<|im_end|>",
        pad_token="<|endoftext|>", mask_token="<|mask|>", chat_template=TEMPLATE,
    )  # fmt: skip


def config(name: str, positions: int = 640) -> Any:
    import transformers

    ids = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0, "vocab_size": SIZE}
    usual = {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": positions, **ids,
    }  # fmt: skip
    if name == "llama":
        heads = {"num_attention_heads": 2, "num_key_value_heads": 1}  # onnxruntime wants 16 each
        return transformers.LlamaConfig(**{**usual, **heads}, tie_word_embeddings=True)
    if name == "gpt2":
        return transformers.GPT2Config(
            n_embd=32, n_layer=2, n_head=4, n_positions=positions, resid_pdrop=0.0,
            embd_pdrop=0.0, attn_pdrop=0.0, **ids,
        )  # fmt: skip
    if name == "xlnet":
        return transformers.XLNetConfig(
            d_model=32, d_inner=64, n_layer=2, n_head=4, dropout=0.0, **ids
        )
    still = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    made = {"bert": transformers.BertConfig, "roberta": transformers.RobertaConfig}[name]
    return made(**usual, **still)


def build(name: str, kind: str = "AutoModel", seed: int = 0) -> Any:
    """A model with weights large enough that outputs differ; `kind` is a class of transformers."""
    import torch
    import transformers
    from transformers.utils import logging

    logging.set_verbosity_error()
    settings = config(name)
    if kind == "AutoModelForCausalLM" and name in ("bert", "roberta"):
        settings.is_decoder = True
    torch.manual_seed(seed)
    model = getattr(transformers, kind).from_config(settings)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(4.0 if weight.dim() > 1 else 1.0)
    return model.eval()


def folder(path: Path, name: str = "llama", kind: str = "AutoModelForCausalLM") -> Path:
    build(name, kind).save_pretrained(path)
    tokenizer().save_pretrained(path)
    return path
