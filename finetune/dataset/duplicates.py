"""Near-duplicate exchanges, by MinHash over word shingles.

Source: Broder 1997, "On the resemblance and containment of documents" (Jaccard similarity of
shingle sets, estimated by min-wise hashing).
"""

from collections.abc import Sequence

from finetune.dataset.types import Exchange

PERMUTATIONS = 128
SIMILAR = 0.8
_SHINGLE = 3  # characters: a typo or a changed ending leaves most of them


def without_duplicates(exchanges: Sequence[Exchange], similar: float = SIMILAR) -> list[Exchange]:
    """Keeps the first of exchanges whose question and answer are alike.

    Questions that differ in a number alone ("30 days" and "60 days") are alike by shingles but
    not the same, so the digits must agree.
    """
    from datasketch import MinHashLSH

    kept: list[Exchange] = []
    index = MinHashLSH(threshold=similar, num_perm=PERMUTATIONS)
    for exchange in exchanges:
        text = f"{exchange.question}\n{exchange.answer}"
        made = _minhash(text)
        near = (kept[int(key)] for key in index.query(made))
        digits = _digits(text)
        if any(_digits(f"{other.question}\n{other.answer}") == digits for other in near):
            continue
        index.insert(str(len(kept)), made)
        kept.append(exchange)
    return kept


def _minhash(text: str) -> "object":
    from datasketch import MinHash

    words = " ".join("".join(c if c.isalnum() else " " for c in text.lower()).split())
    shingles = {words[at : at + _SHINGLE] for at in range(max(1, len(words) - _SHINGLE + 1))}
    made = MinHash(num_perm=PERMUTATIONS, seed=1)
    made.update_batch([shingle.encode() for shingle in sorted(shingles)])
    return made


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())
