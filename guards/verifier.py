"""The trained cross-encoder as a scorer: claim against passages, question against passages."""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from guards.errors import GuardError, SelfTestFailed
from guards.scores import UNSEEN
from models.cross_encoder import HEADS, encode
from models.store import sha256
from retrieval.chunk import embedded_text
from retrieval.types import Passage

if TYPE_CHECKING:
    from models.config import ModelsConfig

WINDOW_WORDS = 140
STRIDE_WORDS = 70
CACHED_PAIRS = 8192
_TOLERANCE = 0.05  # of a golden logit
_WORD = re.compile(r"\S+")
Logits = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """What the model says of a pair.

    `evidence` is one log-odds a token of the second text, at its characters [starts, ends).
    """

    logits: Logits
    starts: npt.NDArray[np.int32]
    ends: npt.NDArray[np.int32]
    evidence: Logits


class Verifier:
    """Scores pairs in batches. Safe to share between threads.

    `version` names the weights, `tokenizer` is the SHA-256 of the tokenizer.
    """

    def __init__(self, folder: Path, golden: Path | None = None, threads: int = 0) -> None:
        """Loads the exported model and, where golden scores are given, tests it against them.

        Raises:
            SelfTestFailed: The scores on this machine differ from the golden ones.
        """
        from models.encoder import EncoderSession

        self.version = folder.name
        self.tokenizer = sha256(folder / "tokenizer.json")
        self._session = EncoderSession(folder, threads)
        self._known: OrderedDict[tuple[str, str], _Score] = OrderedDict()
        self._lock = threading.Lock()
        if golden is not None:
            self._self_test(golden)

    def logits(self, first: Sequence[str], second: Sequence[str], head: str) -> Logits:
        """Log-odds of one head, one a pair, in order."""
        scores = self._scores(list(zip(first, second, strict=True)))
        return np.array([score.logits[HEADS.index(head)] for score in scores], dtype=np.float32)

    def evidence(self, question: str, passage: Passage, spans: Sequence[tuple[int, int]]) -> Logits:
        """Log-odds (spans,) that each stretch of the passage's text belongs to the answer.

        The mean over its tokens, in the window that scores it best; `UNSEEN` if none holds it.
        """
        text = embedded_text(passage)
        offset = len(text) - len(passage.text)
        best = np.full(len(spans), UNSEEN, dtype=np.float32)
        cut = windows(text)
        scores = self._scores([(question, window) for _, window in cut])
        for (at, _), score in zip(cut, scores, strict=True):
            for row, (start, end) in enumerate(spans):
                shift = offset - at
                inside = (score.starts < end + shift) & (score.ends > start + shift)
                if inside.any():
                    best[row] = max(best[row], score.evidence[inside].mean())
        return best

    def _scores(self, pairs: Sequence[tuple[str, str]]) -> list["_Score"]:
        """The scores of pairs, in order; pairs met lately aren't computed again."""
        with self._lock:
            known = {pair: self._known[pair] for pair in pairs if pair in self._known}
        new = [pair for pair in dict.fromkeys(pairs) if pair not in known]
        known.update(zip(new, self._compute(new), strict=True))
        with self._lock:
            self._known.update((pair, known[pair]) for pair in new)
            while len(self._known) > CACHED_PAIRS:
                self._known.popitem(last=False)
        return [known[pair] for pair in pairs]

    def _compute(self, pairs: Sequence[tuple[str, str]]) -> list["_Score"]:
        if not pairs:
            return []
        encoded = encode(self._session.tokenizer, [a for a, _ in pairs], [b for _, b in pairs])
        found = []
        for item, (logits, evidence) in zip(encoded, self._session.outputs(encoded), strict=True):
            if not (np.isfinite(logits).all() and np.isfinite(evidence).all()):
                raise GuardError("the verifier gave scores that aren't numbers; check the model")
            mine = np.array([side == 1 for side in item.sequence_ids], dtype=bool)
            starts, ends = np.array(item.offsets, dtype=np.int32).T
            found.append(
                _Score(logits=logits, starts=starts[mine], ends=ends[mine], evidence=evidence[mine])
            )
        return found

    def support(self, claims: Sequence[str], passages: Sequence[Passage]) -> Logits:
        """Log-odds (claims, passages) that each passage supports each claim."""
        return self._matrix(claims, passages, "support")

    def answers(self, question: str, passages: Sequence[Passage]) -> Logits:
        """Log-odds that each passage answers the question."""
        return self._matrix([question], passages, "answer")[0]

    def rerank(self, query: str, passages: Sequence[Passage]) -> list[float]:
        """Probability that each passage answers (the port of retrieval)."""
        return [float(p) for p in 1 / (1 + np.exp(-self.answers(query, passages)))]

    def _matrix(self, firsts: Sequence[str], passages: Sequence[Passage], head: str) -> Logits:
        """Each passage counts by its best window; all pairs go through in one run."""
        cut = [windows(embedded_text(passage)) for passage in passages]
        pairs = [(first, text) for first in firsts for texts in cut for _, text in texts]
        flat = self.logits([a for a, _ in pairs], [b for _, b in pairs], head)
        best = np.empty((len(firsts), len(passages)), dtype=np.float32)
        at = 0
        for row in range(len(firsts)):
            for column, texts in enumerate(cut):
                best[row, column] = flat[at : at + len(texts)].max()
                at += len(texts)
        return best

    def _self_test(self, golden: Path) -> None:
        rows = json.loads(golden.read_text(encoding="utf-8"))
        for head in HEADS:
            mine = [row for row in rows if row["head"] == head]
            got = self.logits([r["first"] for r in mine], [r["second"] for r in mine], head)
            for row, value in zip(mine, got, strict=True):
                if abs(float(value) - row["logit"]) > _TOLERANCE:
                    raise SelfTestFailed(
                        f"the verifier scores {row['first']!r} {float(value):.3f} here, expected "
                        f"{row['logit']:.3f}: its weights or this processor's arithmetic are "
                        "wrong; run `truepenny models verify`"
                    )


def windows(text: str) -> list[tuple[int, str]]:
    """Cuts a long text into overlapping windows of words; a short one stays as it is.

    Returns:
        Each window with the character that it starts at.
    """
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    if len(words) <= WINDOW_WORDS * 5 // 4:
        return [(0, text)]
    firsts = range(0, len(words) - WINDOW_WORDS + STRIDE_WORDS, STRIDE_WORDS)
    cut = [(words[at][0], words[min(at + WINDOW_WORDS, len(words)) - 1][1]) for at in firsts]
    return [(start, text[start:end]) for start, end in cut]


def load_verifier(config: "ModelsConfig") -> Verifier:
    """The shipped verifier, exported on first use and self-tested at every start."""
    from models.encoder import verifier_folder, verifier_onnx

    golden = verifier_folder(config) / "golden.json"
    return Verifier(verifier_onnx(config), golden if golden.exists() else None, config.threads)
