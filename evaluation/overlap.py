"""What simpler measures make of a claim and its evidence, beside the guard's own score.

rouge_l    share of the claim's words in the longest common subsequence with the evidence
embedding  cosine of the claim to the sentence of the evidence nearest to it
tokens     mean over the claim's tokens of the cosine to the nearest token of the evidence

Source: Lin (2004), https://aclanthology.org/W04-1013, section 3.1, precision of the claim; Zhang
et al. (2020), https://arxiv.org/abs/1904.09675, equation 2, the claim being the candidate.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from guards.verifier import windows
from retrieval.sentences import sentence_spans

if TYPE_CHECKING:
    from models.config import ModelsConfig
    from retrieval.embedder import Embedder

NAMES = ("rouge_l", "embedding", "tokens")
_WORD = re.compile(r"\w+")
States = npt.NDArray[np.float32]


class TokenEncoder(Protocol):
    """Gives a text's token states (tokens, width), rows of length 1; `name` says whose."""

    name: str

    def states(self, text: str) -> States:
        """Of the text's own tokens, without those that mark its ends."""
        ...


class BertTokens:
    """The last layer of the encoder that embedder and verifier are made from."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoModel

        from models.cross_encoder import prepare
        from models.gguf import no_progress

        self.name = folder.name
        self._tokenizer = prepare(folder / "tokenizer.json")
        with no_progress():
            self._model = AutoModel.from_pretrained(folder).eval()
        self.states = lru_cache(maxsize=1024)(self._states)  # evidence is met again and again

    def _states(self, text: str) -> States:
        import torch

        ids = torch.tensor([self._tokenizer.encode(text).ids])
        with torch.inference_mode():
            found = self._model(input_ids=ids, attention_mask=torch.ones_like(ids))
        states = torch.nn.functional.normalize(found.last_hidden_state[0, 1:-1], dim=1)
        return np.asarray(states.numpy(), dtype=np.float32)


class Baselines:
    """Scores pairs by each of `NAMES`; higher means likelier supported."""

    def __init__(self, embedder: "Embedder", encoder: TokenEncoder) -> None:
        self.embedder = embedder
        self.encoder = encoder
        self.version = f"{embedder.name}/{encoder.name}"

    def scores(self, claim: str, evidence: Sequence[str]) -> dict[str, float]:
        """One score a name; 0 where there is no evidence."""
        texts = [text for text in evidence if text.strip()]
        if not texts:
            return dict.fromkeys(NAMES, 0.0)
        return {
            "rouge_l": rouge_l(claim, "\n".join(texts)),
            "embedding": self._nearest_sentence(claim, texts),
            "tokens": self._matched_tokens(claim, texts),
        }

    def _nearest_sentence(self, claim: str, texts: Sequence[str]) -> float:
        sentences = [text[a:b] for text in texts for a, b in sentence_spans(text)]
        vectors = self.embedder.embed([claim, *sentences])
        return float((vectors[1:] @ vectors[0]).max())

    def _matched_tokens(self, claim: str, texts: Sequence[str]) -> float:
        mine = self.encoder.states(claim)
        best = np.full(len(mine), -1.0, dtype=np.float32)
        for text in texts:
            for _, window in windows(text):
                theirs = self.encoder.states(window)
                if theirs.size:
                    best = np.maximum(best, (mine @ theirs.T).max(axis=1))
        return float(best.mean()) if best.size else 0.0


def rouge_l(claim: str, evidence: str) -> float:
    """The longest common subsequence of words, over the claim's words."""
    from rapidfuzz.distance import LCSseq

    mine, theirs = (_WORD.findall(text.lower()) for text in (claim, evidence))
    return float(LCSseq.similarity(mine, theirs)) / len(mine) if mine else 0.0


def load_baselines(config: "ModelsConfig") -> Baselines:
    """With the configured embedder, and the encoder that the shipped models are made from."""
    from models.resolve import embedder_folder
    from retrieval.embedder import load_embedder

    folder: Any = embedder_folder(config.model_copy(update={"embedder": "default"}))
    return Baselines(load_embedder(config), BertTokens(folder))
