"""The naive pipeline as a process: says `ready`, then `done` after each question on stdin.

Run by `bench.process`: python -m bench.naive_process INDEX EMBEDDER_NAME [CONFIG]
"""

import sys
from pathlib import Path


def main(index: str, embedder_name: str, config: str | None = None) -> None:
    """Loads sentence-transformers' torch engine, the bare generator and the index, and answers."""
    from bot.generator import load_generator
    from bot.policy import BotConfig
    from evaluation.baseline import MAX_TOKENS, Naive
    from evaluation.questions import Question
    from models.config import ModelsConfig, section
    from models.resolve import embedder_folder
    from retrieval.embedder import SentenceTransformerEmbedder
    from retrieval.index import open_index
    from retrieval.retriever import Retriever

    path = Path(config) if config else None
    models = section(path, "models", ModelsConfig)
    name = section(path, "bot", BotConfig).generator
    embedder = SentenceTransformerEmbedder(str(embedder_folder(models)))
    opened = open_index(Path(index), embedder_name)
    generator = load_generator(name, models, max_tokens=MAX_TOKENS)
    naive = Naive(Retriever(opened, embedder), generator)
    print("ready", flush=True)
    for number, line in enumerate(sys.stdin):
        naive(Question(id=str(number), question=line.strip()))
        print("done", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
