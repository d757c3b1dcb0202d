"""The naive pipeline as a service: plain FastAPI and LangChain, without a line, a store or checks.

Run by `bench.load`: python -m bench.rag_service INDEX EMBEDDER_NAME PORT [CONFIG]
"""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from retrieval.retriever import Retriever


class Ask(BaseModel):
    """A question."""

    message: str


def create_app(chain: "Runnable[str, str]") -> FastAPI:
    """An app that streams what a chain writes, as plain text."""
    app = FastAPI()

    @app.get("/readyz")
    async def readyz() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/v1/chat")
    async def chat(body: Ask) -> StreamingResponse:
        return StreamingResponse(chain.astream(body.message), media_type="text/plain")

    return app


def rag(retriever: "Retriever", generator: "BaseChatModel") -> "Runnable[str, str]":
    """The three nearest passages, one prompt, and what the generator writes."""
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.runnables import RunnableLambda

    from evaluation.baseline import CHUNKS, messages, nearest

    def prompt(query: str) -> list[Any]:
        return messages(query, nearest(retriever, query, CHUNKS))

    return RunnableLambda(prompt) | generator | StrOutputParser()


def main(index: str, embedder_name: str, port: str, config: str | None = None) -> None:
    """Loads our embedder, the bot's generator and the index, and listens."""
    import uvicorn

    from bot.generator import load_generator
    from bot.policy import BotConfig
    from evaluation.baseline import MAX_TOKENS
    from models.config import ModelsConfig, section
    from retrieval.embedder import load_embedder
    from retrieval.index import open_index
    from retrieval.retriever import Retriever

    path = Path(config) if config else None
    models = section(path, "models", ModelsConfig)
    name = section(path, "bot", BotConfig).generator
    retriever = Retriever(open_index(Path(index), embedder_name), load_embedder(models))
    app = create_app(rag(retriever, load_generator(name, models, max_tokens=MAX_TOKENS)))
    uvicorn.run(
        app, host="127.0.0.1", port=int(port), log_level="warning", timeout_graceful_shutdown=1
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
