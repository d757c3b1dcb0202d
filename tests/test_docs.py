"""The documentation names what exists: keys, defaults, commands, options, routes, variables."""

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import bot.integrations.config
import bot.policy
import bot.service.config
import bot.store.config
import finetune.config
import guards.guard
import models.config
import retrieval.retriever
import truepenny
from models.config import SECTIONS, Section

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "CONTRIBUTING.md", *ROOT.glob("README.md")])
CLASSES: dict[str, type[Section]] = {
    "models": models.config.ModelsConfig,
    "retrieval": retrieval.retriever.RetrievalConfig,
    "guards": guards.guard.GuardsConfig,
    "bot": bot.policy.BotConfig,
    "store": bot.store.config.StoreConfig,
    "service": bot.service.config.ServiceConfig,
    "integrations": bot.integrations.config.IntegrationsConfig,
    "finetune": finetune.config.FinetuneConfig,
}
ROOMS = {"models", "retrieval", "guards", "bot", "finetune", "evaluation"}


def blocks(page: Path) -> Iterator[str]:
    for match in re.finditer(r"^ *```bash\n(.*?)^ *```$", page.read_text(), re.S | re.M):
        yield match[1].replace("\\\n", " ")


def calls(page: Path) -> Iterator[list[str]]:
    """Simple commands of the bash blocks, without variables that are set before them."""
    for block in blocks(page):
        for line in block.splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ";"]:
                if re.fullmatch(r"[;&|<>()]+", word):
                    if words:
                        yield words
                    words = []
                elif words or not re.match(r"[A-Z_]+=", word):
                    words.append(word)


def every(program: str) -> list[Any]:
    found = [
        (page, words) for page in PAGES for words in calls(page) if Path(words[0]).name == program
    ]
    return [
        pytest.param(words, id=f"{page.relative_to(ROOT)}: {' '.join(words)}")
        for page, words in found
    ]


def section_of(name: str) -> str:
    text = (ROOT / "docs/configuration.md").read_text()
    return text.partition(f"## [{name}]\n")[2].partition("\n## ")[0]


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_every_section_is_known_here() -> None:
    ours = {c for c in Section.__subclasses__() if c.__module__.split(".")[0] in ROOMS}
    assert ours == set(CLASSES.values())
    assert set(CLASSES) <= set(SECTIONS)


@pytest.mark.parametrize("name", CLASSES)
def test_every_key_is_documented_with_its_default(name: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \| (.+) \|$", section_of(name), re.M)
    documented = {key: default for key, default, _ in rows}
    expected = {key: toml(f.get_default()) for key, f in CLASSES[name].model_fields.items()}
    assert documented == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_environment_variables_exist(page: Path) -> None:
    for name, key in re.findall(r"\bTRUEPENNY_([A-Z]+)_([A-Z_]*[A-Z])", page.read_text()):
        assert key.lower() in CLASSES[name.lower()].model_fields


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_keys_named_in_the_text_exist(page: Path) -> None:
    for name, key in re.findall(r"`\[(\w+)\] (\w+)", page.read_text()):
        assert key in CLASSES[name].model_fields


@pytest.mark.parametrize("words", every("truepenny"))
def test_commands_and_options_exist(words: list[str]) -> None:
    command: Any = typer.main.get_command(truepenny.app)
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest, f"{' '.join(words)} names no command"
        assert rest[0] in command.commands
        command, rest = command.commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("words", every("python"))
def test_modules_exist(words: list[str]) -> None:
    assert words[1] == "-m"
    spec = importlib.util.find_spec(words[2])
    assert spec
    assert spec.origin
    source = Path(spec.origin).read_text()
    for word in words[3:]:
        if word.startswith("--"):
            assert f'"{word}"' in source or f"{word[2:]}: Annotated" in source


@pytest.mark.parametrize("words", every("make"))
def test_targets_exist(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in (word for word in words[1:] if "=" not in word):
        assert re.search(rf"^{target}:", makefile, re.M)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.M) if anchor else []
        slugs = [re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings]
        assert not anchor or anchor in slugs, target


def test_every_route_is_documented() -> None:
    from bot.service.app import ROUTERS

    text = "\n".join(page.read_text() for page in PAGES)
    paths = {getattr(route, "path", "") for router in ROUTERS for route in router.routes}
    assert paths
    assert not {path for path in paths if f"{path}`" not in text and f"{path} " not in text}


def test_every_evaluation_and_training_command_is_documented() -> None:
    root: Any = typer.main.get_command(truepenny.app)
    text = "\n".join(page.read_text() for page in PAGES)
    for name, command in root.commands.items():
        for inner in getattr(command, "commands", {"": None}):
            assert f"truepenny {name} {inner}".strip() in text
