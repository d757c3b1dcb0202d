"""The container can't be built here, so: linted by real tools, and each command run outside it."""

import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

import truepenny
from bot.service.config import service_config
from bot.store.config import store_config
from models.config import ModelsConfig, section
from retrieval.retriever import RetrievalConfig
from tests.bot.service.server import listening
from tests.test_docs import CLASSES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
ROOMS = ("models", "retrieval", "guards", "bot", "finetune", "evaluation")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, lines joined."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.M)
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    return [(line.partition(" ")[0], line.partition(" ")[2].strip()) for line in lines]


def commands() -> list[list[str]]:
    """Each truepenny command that the image or a service runs."""
    found = []
    for name, rest in instructions():
        if name == "RUN":
            found += [shlex.split(part) for part in rest.split("&&")]
        elif name == "CMD":
            found.append(json.loads(rest))
    found += [service.get("command", []) for service in COMPOSE["services"].values()]
    return [words for words in found if words and words[0] == "truepenny"]


def environment() -> dict[str, str]:
    """The variables that the image and the services set."""
    found: dict[str, str] = {}
    for name, rest in instructions():
        if name == "ENV":
            found |= dict(part.split("=", 1) for part in shlex.split(rest))
    compose = {k: v.replace("${POSTGRES_PASSWORD:?set it in deploy/.env}", "secret")
               for k, v in COMPOSE["x-truepenny"]["environment"].items()}  # fmt: skip
    return found | compose


def run(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **more)


def test_hadolint_finds_nothing() -> None:
    done = run(str(BIN / "hadolint"), "--failure-threshold", "style", str(DEPLOY / "Dockerfile"))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_fits_its_schema() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    done = run(str(BIN / "check-jsonschema"), *schema, str(DEPLOY / "compose.yaml"))
    assert done.returncode == 0, done.stdout


def test_what_the_files_name_is_there() -> None:
    for name, rest in instructions():
        if name == "COPY" and "--from" not in rest:
            for source in shlex.split(rest)[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in (DEPLOY / "Dockerfile.dockerignore").read_text().split()
    services = COMPOSE["services"]
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        named = {v.partition(":")[0] for v in service.get("volumes", ()) if v[0] != "."}
        assert named <= set(COMPOSE["volumes"])
    assert (DEPLOY / "prometheus.yaml").exists()


def test_it_runs_as_nobody_in_particular() -> None:
    names = [name for name, _ in instructions()]
    last = len(names) - names[::-1].index("FROM") - 1
    final = instructions()[last:]
    users = [rest for name, rest in final if name == "USER"]
    assert users == ["10001:10001"]
    assert [name for name, _ in final].index("USER") < [n for n, _ in final].index("CMD")
    for service in ("service", "migrate", "index"):
        assert COMPOSE["services"][service]["read_only"] is True
        assert COMPOSE["services"][service]["cap_drop"] == ["ALL"]
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_each_command_exists_with_its_options(words: list[str]) -> None:
    command: Any = typer.main.get_command(truepenny.app)
    rest = words[1:]
    while hasattr(command, "commands"):
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(" ".join(words), list(rest))  # parses; a wrong option raises


def test_the_commands_are_found() -> None:
    assert [" ".join(words[1:3]) for words in commands()] == [
        "models fetch", "models verify", "serve --host", "db upgrade", "index /articles",
    ]  # fmt: skip


def test_the_migration_runs(tmp_path: Path) -> None:
    variables = {"TRUEPENNY_STORE_URL": f"sqlite:///{tmp_path}/t.db", "PATH": "/usr/bin:/bin"}
    done = run(str(BIN / "truepenny"), "db", "upgrade", "--json", env=variables, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["revision"]


def test_the_variables_are_keys_of_the_configuration() -> None:
    given = environment()
    assert service_config(None, given).rate_storage == "redis://redis:6379/0"
    assert store_config(None, given).url.startswith("postgresql://truepenny:secret@postgres/")
    assert section(None, "models", ModelsConfig, given).cache == "/opt/models"
    index = section(None, "retrieval", RetrievalConfig, given).index
    assert index == "/var/lib/truepenny/index"
    example = (DEPLOY / "truepenny.env.example").read_text()
    for name, key in re.findall(r"^#?TRUEPENNY_([A-Z]+)_(\w+)=", example, re.M):
        assert key.lower() in CLASSES[name.lower()].model_fields


def test_the_health_check_tells_the_truth() -> None:
    ((_, rest),) = [pair for pair in instructions() if pair[0] == "HEALTHCHECK"]
    words = json.loads(rest[rest.index("[") :])
    assert words[0] == "python"
    with listening() as url:
        script = words[2].replace("http://127.0.0.1:8080", url.rstrip("/"))
        assert script != words[2]
        assert run(sys.executable, "-c", script).returncode == 0
    assert run(sys.executable, "-c", script).returncode != 0


def test_prometheus_asks_for_what_there_is() -> None:
    import httpx

    (job,) = yaml.safe_load((DEPLOY / "prometheus.yaml").read_text())["scrape_configs"]
    host, _, port = job["static_configs"][0]["targets"][0].partition(":")
    assert host in COMPOSE["services"]
    assert COMPOSE["services"][host]["ports"] == [f"127.0.0.1:8080:{port}"]
    secret = job["authorization"]["credentials_file"].rpartition("/")[2]
    assert COMPOSE["services"]["prometheus"]["secrets"] == [secret]
    with listening(keys=("k" * 32,)) as url:
        path = url.rstrip("/") + job["metrics_path"]
        assert httpx.get(path).status_code == 401
        known = {"Authorization": f"Bearer {'k' * 32}"}
        assert httpx.get(path, headers=known).status_code == 200


def test_the_package_carries_its_data(tmp_path: Path) -> None:
    """The image installs a wheel, not the checkout: what isn't declared as data is missing."""
    build = (
        "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    )
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "truepenny.py", *ROOMS):
        (source / name).symlink_to(ROOT / name)
    done = run(sys.executable, "-c", build, str(tmp_path), cwd=source)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "README.md"
    }
    missing = sorted(ours - packed)
    assert not missing, f"not in [tool.setuptools.package-data]: {', '.join(missing)}"
