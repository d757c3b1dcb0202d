"""The cross-encoder: is the claim supported, does the passage answer, and where?

Two heads read one encoder over `[CLS] short text [SEP] passage [SEP]`, pooled by the mean of its
token states; a third reads each token's state, and tells which stretch of the passage holds the
answer. One set of weights and one pass serve checking, reranking and quoting.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

HEADS = ("support", "answer")
EVIDENCE = "evidence"
MAX_TOKENS = 256


def encode(tokenizer: Any, first: Sequence[str], second: Sequence[str]) -> list[Any]:
    """Encodes pairs the one way that training, export and serving share.

    Args:
        tokenizer: A `tokenizers.Tokenizer` prepared by `prepare`.
        first: Claims or questions.
        second: Passages, one a claim.

    Returns:
        One `tokenizers.Encoding` a pair, of at most `MAX_TOKENS` tokens. The longer of the two
        texts is cut first, so neither a long claim nor a long passage raises.
    """
    return list(tokenizer.encode_batch(list(zip(first, second, strict=True))))


def prepare(tokenizer_file: Path) -> Any:
    """Loads a fast tokenizer without padding, cut at `MAX_TOKENS`, longest text first."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS, strategy="longest_first")
    return tokenizer


def build(encoder: Any) -> "torch.nn.Module":
    """Puts the heads on a BERT-like encoder.

    Args:
        encoder: A transformers encoder with `config.hidden_size`, or a PEFT model around one.

    Returns:
        A module: input_ids, attention_mask, token_type_ids of shape (batch, tokens) to the logits
        of `HEADS`, (batch, 2), and those of each token being evidence, (batch, tokens).
    """
    import torch

    class CrossEncoder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = encoder.config.hidden_size
            self.encoder = encoder
            self.heads = torch.nn.ModuleDict(
                {
                    name: torch.nn.Sequential(
                        torch.nn.Linear(width, width), torch.nn.GELU(), torch.nn.Linear(width, 1)
                    )
                    for name in (*HEADS, EVIDENCE)
                }
            )

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
        ) -> tuple[torch.Tensor, torch.Tensor]:
            states = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state  # (batch, tokens, width)
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            pooled = (states * mask).sum(1) / mask.sum(1)  # (batch, width)
            logits = torch.cat([self.heads[name](pooled) for name in HEADS], dim=1)
            return logits, self.heads[EVIDENCE](states).squeeze(-1)

    return CrossEncoder()


def load_adapter(model: Any, adapter: Path) -> None:
    """Puts an adapter folder's LoRA matrices and heads into a module that `build` made.

    Args:
        model: Around a PEFT encoder whose LoRA configuration is the adapter's.
        adapter: Holds adapter_model.safetensors and heads.safetensors, float16.
    """
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    lora = load_file(adapter / "adapter_model.safetensors")
    set_peft_model_state_dict(model.encoder, {k: v.float() for k, v in lora.items()})
    heads = load_file(adapter / "heads.safetensors")
    model.heads.load_state_dict({k: v.float() for k, v in heads.items()})
