"""Builds the cross-encoder's training set from grounding pairs, grounded QA and help centres.

Every source is balanced and capped, so that no large and easy one drowns the others; see the
model card for what each adds.
"""

import json
import logging
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from finetune import written_data
from finetune.pairs import Pair, best_window
from finetune.perturb import names_in, perturb, perturbations
from retrieval.chunk import embedded_text, passages
from retrieval.sentences import is_heading, sentence_spans, without_mark
from retrieval.sources import read_all
from retrieval.types import Passage

log = logging.getLogger("truepenny.finetune")
AUTHORED = Path(__file__).parent / "data"
Embed = Callable[[Sequence[str]], Any]

# at most so many rows a source; the rest of it adds time and no accuracy
CAPS = {"breaking-nli": 600, "halueval-qa": 500, "help-conj": 200, "med": 500, "dstc9-val": 2400}
CAP = 1200


# share of each part in the second stage, which leads with help-centre questions; others: all
SECOND_STAGE = {
    "grounding": 0.06, "faq": 0.12, "sharc": 0.12, "authored": 0.5, "written": 0.45,
    "gnome-help-perturbed": 0.15, "npm-perturbed": 0.15,
}  # fmt: skip


def build(
    data: Path, questions: Path, embed: Embed, *, second_stage: bool = False, seed: int = 0
) -> list[Pair]:
    """Builds all pairs, shuffled.

    Args:
        data: The folder with grounding/, qa/ and helpcentres/ (see its README).
        questions: The folder with our own question sets (gnome.jsonl is the training one).
        embed: Texts to unit vectors (n, width), to find near misses.
        second_stage: Takes the shares of `SECOND_STAGE`.
        seed: Of all sampling.
    """
    rng = random.Random(seed)
    centres = {
        name: [p for a in read_all([data / "helpcentres" / name]).articles for p in passages(a)]
        for name in ("gnome-help", "npm")
    }
    parts: dict[str, list[Pair]] = {
        "grounding": list(_grounding(data / "grounding" / "train", rng)),
        "faq": list(_faq(data / "qa", rng)),
        "sharc": list(_sharc(data / "qa" / "sharc_dev.jsonl", rng)),
        "clapnq": list(_clapnq(data / "qa" / "clapnq_dev.jsonl", rng)),
        "mtrag": list(_mtrag(data / "qa" / "mtrag_un.jsonl")),
        "authored": list(_authored(rng)),
        **written_data.parts(data, AUTHORED, embed, rng),
        "gnome-questions": list(
            _questions(questions / "gnome.jsonl", centres["gnome-help"], embed, rng)
        ),
    }
    for name, found in centres.items():
        parts[f"{name}-perturbed"] = list(_perturbed(found, embed, rng))
        parts[f"{name}-titles"] = list(_titles(found, embed, rng))
    pairs = []
    for name, whole in parts.items():
        share = SECOND_STAGE.get(name, 1.0) if second_stage else 1.0
        part = rng.sample(whole, round(len(whole) * share))
        positive = sum(pair.label for pair in part)
        log.info("%-22s %6d pairs, %6d positive", name, len(part), positive)
        pairs.extend(part)
    rng.shuffle(pairs)
    return pairs


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def _grounding(folder: Path, rng: random.Random) -> Iterator[Pair]:
    for path in sorted(folder.glob("*.jsonl")):
        by_source: dict[str, list[dict[str, Any]]] = {}
        for row in _rows(path):
            by_source.setdefault(row["source"].split("|")[0], []).append(row)
        for source, rows in by_source.items():
            for row in rng.sample(rows, min(len(rows), CAPS.get(source, CAP))):
                window = best_window(row["claim"], row["evidence"])
                yield Pair(
                    head="support", first=row["claim"], second=window,
                    label=row["supported"], source=source, group=row["evidence"][:80],
                )  # fmt: skip


def _faq(folder: Path, rng: random.Random) -> Iterator[Pair]:
    """DSTC questions: their passage answers; another one of the same domain does not."""
    rows = _rows(folder / "dstc9_faq_val.jsonl")
    by_domain: dict[str, list[str]] = {}
    for row in rows:
        by_domain.setdefault(row["domain"], []).append(row["passage"])
    for row in rng.sample(rows, min(len(rows), 1600)):
        for text, label in ((row["passage"], True), (rng.choice(by_domain[row["domain"]]), False)):
            if label or text != row["passage"]:
                yield _answer(
                    row["question"], f"{row['entity']}\n{text}", label, "dstc9", row["entity"]
                )


def _sharc(path: Path, rng: random.Random) -> Iterator[Pair]:
    """Policy questions: the passage bears on them unless the answer is "Irrelevant"."""
    rows = _rows(path)
    texts = sorted({row["passage"] for row in rows})
    for row in rng.sample(rows, min(len(rows), 1100)):
        group = row["url"]
        yield _answer(
            row["question"], row["passage"], row["answer"] != "Irrelevant", "sharc", group
        )
        yield _answer(row["question"], rng.choice(texts), False, "sharc", group)


def _clapnq(path: Path, rng: random.Random) -> Iterator[Pair]:
    for row in _rows(path):
        question, group = row["question"], row["title"]
        answer = row["answers"][0] if row["answers"] else ""
        window = best_window(answer or question, row["passage"])
        yield _answer(question, f"{row['title']}\n{window}", row["answerable"], "clapnq", group)
        if not row["answerable"]:
            continue
        said = set(answer.lower().split())
        for start, end in sentence_spans(row["passage"]):
            text = row["passage"][start:end]
            share = len(said & set(text.lower().split())) / max(len(set(text.split())), 1)
            if share > 0.65 or (share < 0.3 and rng.random() < 0.4):
                yield _answer(question, f"{row['title']}\n{text}", share > 0.65, "clapnq", group)


def _mtrag(path: Path) -> Iterator[Pair]:
    for row in _rows(path):
        question = row["turns"][-1]["text"]
        if row["answerability"] not in ("ANSWERABLE", "UNANSWERABLE") or len(question.split()) < 4:
            continue
        if row["answerability"] == "ANSWERABLE":
            best = max(row["passages"], key=lambda p: _overlap(row["answer"], p["text"]))
            texts, label = [best_window(row["answer"], best["text"])], True
        else:
            texts = [best_window(question, p["text"]) for p in row["passages"][:2]]
            label = False
        for text in texts:
            yield _answer(question, text, label, "mtrag", question)


def _authored(rng: random.Random) -> Iterator[Pair]:
    """Passages written for this project, with near misses for both heads."""
    rows = [row for path in sorted(AUTHORED.glob("authored_*.jsonl")) for row in _rows(path)]
    by_company: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_company.setdefault(row["company"], []).append(row)
    for row in rows:
        company, text = row["company"], f"{row['title']}\n{row['passage']}"
        for question in row["answerable"]:
            yield _answer(question, text, True, "authored", company)
        for question in row["unanswerable"]:
            yield _answer(question, text, False, "authored", company)
        for other in by_company[company]:
            if other is not row:
                for question in rng.sample(other["answerable"], 2):
                    yield _answer(question, text, False, "authored", company)
                for claim in rng.sample(other["supported"], min(1, len(other["supported"]))):
                    yield _support(claim, text, False, "authored-neighbour", company)
        for claim in row["supported"]:
            yield _support(claim, text, True, "authored", company)
        for item in row["unsupported"]:
            yield _support(item["claim"], text, False, "authored", company)


def _questions(
    path: Path, found: Sequence[Passage], embed: Embed, rng: random.Random
) -> Iterator[Pair]:
    """Our own questions against what retrieval brings: the real near misses."""
    rows = _rows(path)
    vectors = embed([embedded_text(passage) for passage in found])
    near = embed([row["question"] for row in rows]) @ vectors.T
    for row, scores in zip(rows, near, strict=True):
        group = (row.get("articles") or row.get("near") or [row["id"]])[0]
        order = [found[i] for i in scores.argsort()[::-1][:8]]
        holding = [p for p in found if p.article_id in row["articles"] and _holds(row, p.text)]
        for passage in holding[:2]:
            yield _answer(row["question"], embedded_text(passage), True, "gnome", group)
            yield from _answer_sentences(row, passage, group, rng)
        others = [p for p in order if p.article_id not in row["articles"]]
        for passage in others[: 2 if row["answerable"] else 3]:
            yield _answer(row["question"], embedded_text(passage), False, "gnome", group)


def _answer_sentences(
    row: Mapping[str, Any], passage: Passage, group: str, rng: random.Random
) -> Iterator[Pair]:
    units = [passage.text[a:b] for a, b in sentence_spans(passage.text)]
    units = [without_mark(unit) for unit in units if not is_heading(unit)]
    right = [unit for unit in units if _holds(row, unit)]
    wrong = [unit for unit in units if unit not in right and len(unit.split()) > 3]
    if len(right) == 1:
        for unit, label in [(right[0], True)] + [
            (unit, False) for unit in rng.sample(wrong, min(2, len(wrong)))
        ]:
            second = f"{passage.title}\n{unit}"
            yield _answer(row["question"], second, label, "gnome-sentence", group)


def _titles(found: Sequence[Passage], embed: Embed, rng: random.Random) -> Iterator[Pair]:
    """A title as a question: its article answers, its nearest other articles don't."""
    firsts = {p.article_id: p for p in reversed(found) if len(p.text.split()) > 25}
    leads = [p for p in firsts.values() if len(p.title.split()) > 2]
    vectors = embed([embedded_text(p) for p in leads])
    near = embed([p.title for p in leads]) @ vectors.T
    for passage, scores in zip(leads, near, strict=True):
        yield _answer(passage.title, passage.text, True, "titles", passage.article_id)
        others = [leads[i] for i in scores.argsort()[::-1][3:8]]
        other = rng.choice([p for p in others if p.article_id != passage.article_id])
        yield _answer(passage.title, other.text, False, "titles", passage.article_id)


def _perturbed(found: Sequence[Passage], embed: Embed, rng: random.Random) -> Iterator[Pair]:
    """Sentences of a passage, true as they stand and false when changed or misplaced."""
    units = [
        (passage, without_mark(passage.text[a:b]))
        for passage in found
        for a, b in sentence_spans(passage.text)
        if not is_heading(passage.text[a:b]) and 5 <= len(passage.text[a:b].split()) <= 45
    ]
    units = rng.sample(units, min(len(units), 1800))
    kinds = perturbations(names_in([text for _, text in units]))
    vectors = embed([text for _, text in units])
    near = vectors @ vectors.T
    for (passage, text), scores in zip(units, near, strict=True):
        second, group = embedded_text(passage), passage.article_id
        yield _support(_restate(text, rng), second, True, "verbatim", group)
        changed = list(perturb(text, kinds, rng))
        for kind, false in rng.sample(changed, min(2, len(changed))):
            yield _support(false, second, False, f"perturbed-{kind}", group)
        other = next(
            (units[i] for i in scores.argsort()[::-1][1:] if scores[i] < 0.85
             and units[i][0].article_id != group and units[i][1] not in passage.text), None
        )  # fmt: skip
        if other and rng.random() < 0.5:
            yield _support(other[1], second, False, "neighbour", group)


def _restate(text: str, rng: random.Random) -> str:
    """Small changes that keep the truth, so that a verbatim match is not the only cue."""
    if rng.random() < 0.5:
        return text
    for old, new in rng.sample(_SAME, len(_SAME)):
        if f" {old} " in text:
            return text.replace(f" {old} ", f" {new} ", 1)
    return "Yes, " + text[0].lower() + text[1:] if rng.random() < 0.2 else text


_SAME = (
    ("do not", "don't"), ("cannot", "can't"), ("is not", "isn't"), ("you will", "you'll"),
    ("select", "choose"), ("press", "hit"), ("click", "press"), ("need to", "have to"),
    ("must", "have to"), ("want to", "wish to"), ("allows you to", "lets you"),
    ("use", "make use of"),
    ("will be", "is going to be"), ("such as", "for example"), ("may", "might"), ("start", "begin"),
)  # fmt: skip


def _holds(row: Mapping[str, Any], text: str) -> bool:
    low = text.lower()
    return bool(row["facts"]) and all(any(a.lower() in low for a in fact) for fact in row["facts"])


def _overlap(one: str, other: str) -> int:
    return len(set(one.lower().split()) & set(other.lower().split()))


def _answer(question: str, second: str, label: bool, source: str, group: str) -> Pair:
    return Pair(
        head="answer", first=question, second=second, label=label, source=source, group=group
    )


def _support(claim: str, second: str, label: bool, source: str, group: str) -> Pair:
    return Pair(head="support", first=claim, second=second, label=label, source=source, group=group)


def split(pairs: Iterable[Pair], share: float = 0.06) -> tuple[list[Pair], list[Pair]]:
    """Splits by group, so that no company, article or evidence is on both sides."""
    train: list[Pair] = []
    held: list[Pair] = []
    for pair in pairs:
        lot = random.Random(pair.group).random()
        (held if lot < share else train).append(pair)
    return train, held


def write_held_out(pairs: Iterable[Pair], path: Path) -> None:
    """Writes the claims among held-out pairs as rows that `truepenny eval calibrate` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lines:
        for pair in pairs:
            if pair.head == "support":
                row = {
                    "evidence": pair.second,
                    "claim": pair.first,
                    "supported": pair.label,
                    "source": pair.source,
                }
                lines.write(json.dumps(row, ensure_ascii=False) + "\n")
