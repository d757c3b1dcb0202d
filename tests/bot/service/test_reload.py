"""What changes under a running service: a new index, new models, and neither half way."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.policy import Policy
from bot.service.readiness import Readiness
from bot.service.reload import follow, follow_adapter, named, redrafted
from models.config import ModelsConfig
from models.errors import ModelError
from models.registry import Registry
from retrieval.index import build, open_index
from retrieval.retriever import Retriever
from retrieval.types import Article
from tests.bot.client import assert_problem, say, serving
from tests.fakes import FakeEmbedder, FakeGuard, FakeRetriever, FakeStream, parts


def article(text: str) -> Article:
    return Article(id="a", title="Help with returns", url=None, text=text, language="en")


def index(folder: Path, text: str) -> str:
    return build([article(text)], folder, FakeEmbedder()).version


def real(folder: Path) -> Any:
    embedder = FakeEmbedder()
    return parts(Retriever(open_index(folder, embedder.name), embedder))


def followed(readiness: Readiness, folder: Path, change: Any, until: Any) -> None:
    async def run() -> None:
        task = asyncio.create_task(follow(folder, readiness, 0.02))
        await asyncio.sleep(0.05)
        change()
        async with asyncio.timeout(10):
            while not until():
                await asyncio.sleep(0.02)
        task.cancel()

    asyncio.run(run())


def started(load: Any) -> Readiness:
    readiness = Readiness(load, FakeStream(), lambda found: None)
    readiness.renew()
    return readiness


def test_a_new_index_is_taken_up(tmp_path: Path) -> None:
    first = index(tmp_path, "You can return items within 45 days.")
    readiness = started(lambda: real(tmp_path))
    embedder = readiness.parts()["retriever"].embedder
    assert readiness.index_version == first
    followed(
        readiness, tmp_path, lambda: index(tmp_path, "You can return items within 30 days."),
        lambda: readiness.index_version != first,
    )  # fmt: skip
    assert readiness.index_version == named(tmp_path)
    assert "30 days" in readiness.parts()["retriever"].search("return")[0].passage.text
    assert readiness.parts()["retriever"].embedder is embedder


def test_an_index_that_cannot_be_used_leaves_the_old_one(tmp_path: Path) -> None:
    first = index(tmp_path, "You can return items within 45 days.")
    readiness = started(lambda: real(tmp_path))
    followed(
        readiness, tmp_path, lambda: (tmp_path / "CURRENT").write_text("gone\n"),
        lambda: readiness.reasons,
    )  # fmt: skip
    assert (readiness.status, readiness.index_version) == ("ready", first)
    assert readiness.reasons[0].startswith("still serving what was loaded before: ")


def test_a_service_without_an_index_starts_when_there_is_one(tmp_path: Path) -> None:
    readiness = started(lambda: real(tmp_path))
    assert readiness.index_version is None
    followed(
        readiness, tmp_path, lambda: index(tmp_path, "You can return items within 45 days."),
        lambda: readiness.status == "ready",
    )  # fmt: skip
    assert readiness.reasons == ()


def test_no_index_folder_names_nothing(tmp_path: Path) -> None:
    assert named(tmp_path) is None
    (tmp_path / "CURRENT").write_bytes(b"\xff")
    assert named(tmp_path) is None


def test_an_admin_reloads_and_a_failing_load_changes_nothing() -> None:
    told, loads = threading.Event(), [parts(), parts(guard=FakeGuard(gullible=True)), _next()]

    with serving(load=lambda: loads.pop(0), keys=("secret",)) as client:
        readiness = client.app.state.service.readiness  # type: ignore[attr-defined]
        readiness._told = lambda found: told.set()
        client.headers["Authorization"] = "Bearer secret"
        for version, reasons in (("fake-1", 1), ("fake-2", 0)):
            told.clear()
            response = client.post("/v1/admin/reload", json={})
            assert (response.status_code, response.json()["status"]) == (202, "reloading")
            assert told.wait(5)
            ready = client.get("/readyz")
            assert (ready.status_code, len(ready.json()["reasons"])) == (200, reasons)
            assert readiness.index_version == version
        assert say(client).status_code == 200
        client.headers["Authorization"] = "Bearer forged"
        assert_problem(client.post("/v1/admin/reload", json={}), 401, "unauthorized")


def test_the_page_about_the_api_needs_nothing_from_elsewhere() -> None:
    with serving() as client:
        page = client.get("/docs")
        loaded = [client.get(f"/docs/{name}") for name in ("swagger-ui-bundle.js", "start.js")]
        style = client.get("/docs/swagger-ui.css")
        assert client.get("/docs/..%2fcore.py").status_code == 404
        assert client.get("/docs/core.py").status_code == 404
    assert "//" not in page.text
    assert "<script>" not in page.text
    assert [r.status_code for r in (page, *loaded, style)] == [200] * 4
    assert "default-src 'self'" in page.headers["content-security-policy"]


def _next() -> Any:
    retriever = FakeRetriever()
    retriever.version = "fake-2"
    return parts(retriever)


def adapter(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text("{}")
    return folder


def test_another_version_of_the_adapter_is_taken_up_and_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ModelsConfig(adapters=str(tmp_path / "adapters"), generator_adapter="answers")
    registry, trained = Registry.of(models), adapter(tmp_path / "trained")

    def load(name: str, config: ModelsConfig, **_: Any) -> Any:
        return registry.current(config.generator_adapter)

    def promote() -> None:
        registry.promote("answers", trained, metrics={}, by="ada", why="better")

    monkeypatch.setattr("bot.generator.load_generator", load)
    promote()
    given = {**parts(policy=Policy()), "generator": 1}
    readiness = Readiness(lambda: given, FakeStream(), lambda found: None)  # type: ignore[arg-type, return-value]
    readiness.renew()

    def serves(version: int) -> bool:
        return readiness.parts()["generator"] == version  # type: ignore[comparison-overlap]

    async def until(version: int) -> None:
        async with asyncio.timeout(10):
            while not serves(version):
                await asyncio.sleep(0.02)

    async def run() -> None:
        task = asyncio.create_task(follow_adapter(models, readiness, 0.02))
        await asyncio.sleep(0.05)
        promote()
        await until(2)
        registry.rollback("answers", by="ada", why="worse")
        await until(1)
        task.cancel()

    asyncio.run(run())


def test_an_adapter_that_cannot_be_loaded_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = ModelsConfig(adapters=str(tmp_path / "adapters"), generator_adapter="answers")

    def load(*_: Any, **__: Any) -> Any:
        raise ModelError("it is for another base")

    monkeypatch.setattr("bot.generator.load_generator", load)
    given = {**parts(policy=Policy()), "generator": "old"}
    readiness = Readiness(lambda: given, FakeStream(), lambda found: None)  # type: ignore[arg-type, return-value]
    readiness.renew()
    readiness.renew(partial(redrafted, models))
    assert readiness.parts()["generator"] == "old"  # type: ignore[comparison-overlap]
    assert "still serving what was loaded before: it is for another base" in readiness.reasons[0]
