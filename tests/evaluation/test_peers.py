"""The peers' protocol, with packages that have the peers' names and the parts of them we call."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evaluation import peers as room
from evaluation.cli import app
from evaluation.inputs import Answer
from evaluation.questions import InputError
from tests.evaluation import fakes

RAGAS = """
class Faithfulness:
    def __init__(self, llm): self.llm = llm
    async def ascore(self, user_input, response, retrieved_contexts):
        print("ragas prints")
        if "boom" in response: raise ValueError("the judge gave no JSON")
        if "die" in response: raise SystemExit("out of memory")
        value = "nan" if "nothing" in response else response in retrieved_contexts[0]
        return type("R", (), {"value": float(value)})
"""
DEEPEVAL = """
class FaithfulnessMetric:
    def __init__(self, model, include_reason, async_mode): assert model.key == "secret"
    def measure(self, case): self.score = float(case.actual_output in case.retrieval_context[0])
class HallucinationMetric(FaithfulnessMetric):
    def measure(self, case): self.score = 1 - float(case.actual_output in case.context[0])
"""
FILES = {
    "openai.py": (
        "class AsyncOpenAI:\n    def __init__(self, base_url, api_key): self.url = base_url\n"
    ),
    "ragas/__init__.py": "",
    "ragas/llms.py": "def llm_factory(model, client): return (model, client.url)\n",
    "ragas/metrics/__init__.py": "",
    "ragas/metrics/collections.py": RAGAS,
    "deepeval/__init__.py": "",
    "deepeval/metrics.py": DEEPEVAL,
    "deepeval/models.py": (
        "class LocalModel:\n"
        "    def __init__(self, model, base_url, api_key, temperature): self.key = api_key\n"
    ),
    "deepeval/test_case.py": (
        "class LLMTestCase:\n    def __init__(self, **given): self.__dict__.update(given)\n"
    ),
}
PASSAGE = "Soap is never refunded."
URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FILES.items():
        (tmp_path / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("OPENAI_API_KEY", "secret")


def said(*texts: str) -> list[Answer]:
    return [Answer(text=t, question="Soap?", passages=(("1", PASSAGE),)) for t in texts]


@pytest.mark.usefixtures("_installed")
def test_a_row_that_a_peer_fails_on_is_counted_apart() -> None:
    answers = said(PASSAGE, "Gloves wash well.", "nothing", "boom")
    with room.Peer("ragas", URL, "judge", sys.executable) as peer:
        found = [peer.score(given) for given in answers]
    assert found[0] == {"scores": {"ragas faithfulness": 1.0}}
    assert found[1] == {"scores": {"ragas faithfulness": 0.0}}
    assert "no number" in found[2]["error"]
    assert "ValueError: the judge gave no JSON" in found[3]["error"]


@pytest.mark.usefixtures("_installed")
def test_a_process_that_dies_fails_what_is_left() -> None:
    with room.Peer("ragas", URL, "judge", sys.executable) as peer:
        found = [peer.score(given) for given in said("die", PASSAGE)]
    assert all("ragas ended: out of memory" in row["error"] for row in found)


def test_an_interpreter_without_the_peer_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--python"):
        room.Peer("ragas", URL, "judge", str(tmp_path / "python"))
    empty = tmp_path / "python"
    empty.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    empty.chmod(0o755)
    with pytest.raises(InputError, match="pip install deepeval"):
        room.Peer("deepeval", URL, "judge", str(empty))


@pytest.mark.usefixtures("_installed")
def test_both_stand_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guards.guard.load_guard", lambda *_: fakes.guard())
    rows = [
        {"question": "Soap?", "answer": a, "passages": [PASSAGE]}
        for a in (PASSAGE, "Gloves wash well.", "boom goes the soap.")
    ]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    call = ["peers", "--input", str(path), "--endpoint", URL, "--model", "judge"]
    both = [*call, "--with", "ragas", "--with", "deepeval"]
    done = CliRunner().invoke(app, [*both, "--json", "--out", str(tmp_path / "rows.jsonl")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    means = {name: figures["mean"]["value"] for name, figures in found["metrics"].items()}
    assert means["ragas faithfulness"] == 0.5
    assert means["deepeval hallucination"] == pytest.approx(2 / 3)
    assert means[room.OURS] == pytest.approx(1 / 3)
    assert found["failed"] == {"ragas": 1, "deepeval": 0}
    assert found["metrics"]["deepeval faithfulness"]["rank_correlation"] == pytest.approx(1.0)
    assert found["metrics"]["ragas faithfulness"]["without"] == 1
    path.write_text(path.read_text() + "\n{")
    assert CliRunner().invoke(app, both).exit_code == 1
    for wrong in (["--with", "trulens"], ["--with", "ragas", "--endpoint", "localhost"]):
        assert CliRunner().invoke(app, [*call, *wrong]).exit_code == 2
