"""Cuts an article into passages along its headings."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.types import Article, Passage

TARGET_WORDS = 130
_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_FENCE = re.compile(r"^\s*(```|~~~)")


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    words: int
    headings: tuple[str, ...]
    opens_section: bool


def passages(article: Article, target_words: int = TARGET_WORDS) -> list[Passage]:
    """Cuts an article into passages of at most about `target_words` words.

    Blocks (paragraphs, lists, tables) are packed in order; a section starts a new passage once
    the open one holds half the target. A single block longer than twice the target is cut at
    line ends. Every character outside white space is in exactly one passage.
    """
    found: list[Passage] = []
    group: list[_Block] = []
    for block in _blocks(article.text, target_words):
        words = sum(item.words for item in group)
        full = words + block.words > target_words and words > target_words // 4
        if group and (full or (block.opens_section and words >= target_words // 2)):
            found.append(_passage(article, group))
            group = []
        group.append(block)
    if group:
        found.append(_passage(article, group))
    return found


def embedded_text(passage: Passage) -> str:
    """What is embedded for a passage: its title, the path of its headings, its text."""
    path = [passage.title, *(h for h in passage.headings if h != passage.title)]
    return " > ".join(path) + "\n" + passage.text


def _passage(article: Article, group: list[_Block]) -> Passage:
    start, end = group[0].start, group[-1].end
    headings = group[0].headings
    text = article.text[start:end]
    digest = hashlib.sha256("\x1f".join([article.id, article.title, *headings, text]).encode())
    return Passage(
        id=digest.hexdigest()[:20],
        article_id=article.id,
        title=article.title,
        headings=headings,
        text=text,
        start=start,
        end=end,
        url=article.url,
    )


def _blocks(text: str, target_words: int) -> Iterator[_Block]:
    path: list[tuple[int, str]] = []
    pending = -1  # a heading waits for the block below it
    for start, end in _paragraphs(text, target_words * 2):
        body = text[start:end]
        heading = _HEADING.match(body)
        if heading:
            level = len(heading[1])
            path = [item for item in path if item[0] < level]
            path.append((level, heading[2].strip()))
            if pending < 0:
                pending = start
            continue
        begin = start if pending < 0 else pending
        headings = tuple(name for _, name in path)
        yield _Block(begin, end, len(text[begin:end].split()), headings, pending >= 0)
        pending = -1
    if pending >= 0:
        end = len(text.rstrip())
        yield _Block(pending, end, len(text[pending:end].split()), (), False)


def _paragraphs(text: str, most_words: int) -> Iterator[tuple[int, int]]:
    """Runs of lines between blank lines; headings alone; fenced code whole."""
    start, at, words, fenced = -1, 0, 0, False
    last_end = 0
    for line in text.splitlines(keepends=True):
        begin, at = at, at + len(line)
        fence = bool(_FENCE.match(line))
        breaks = not fenced and (not line.strip() or bool(_HEADING.match(line)))
        if start >= 0 and (breaks or words > most_words):
            yield start, last_end
            start, words = -1, 0
        if not fenced and _HEADING.match(line):
            yield begin, begin + len(line.rstrip())
            continue
        if fence:
            fenced = not fenced
        if line.strip():
            start = begin if start < 0 else start
            words += len(line.split())
            last_end = begin + len(line.rstrip())
    if start >= 0:
        yield start, last_end
