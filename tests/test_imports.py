"""Importing types, configuration and commands loads no model library."""

import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "faiss",
    "onnxruntime",
    "onnxruntime_genai",
    "sentence_transformers",
)
LIGHT = (
    "truepenny",
    "models.config",
    "models.errors",
    "retrieval.types",
    "retrieval.errors",
    "retrieval.chunk",
    "guards.types",
    "guards.claims",
    "bot.types",
    "bot.policy",
    "bot.understanding",
    "bot.service.app",
    "bot.service.config",
    "finetune.pairs",
    "finetune.config",
    "finetune.commands",
)


def loaded(*modules: str) -> set[str]:
    code = (
        f"import sys; import {', '.join(modules)}; "
        f"print(*(set(sys.modules) & set({(*HEAVY, 'langchain_core')!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.split())


def test_nothing_heavy_is_loaded_by_all_of_them() -> None:
    assert loaded(*LIGHT) & set(HEAVY) == set()


@pytest.mark.parametrize("module", ["truepenny", "bot.service.app"])
def test_not_even_langchain(module: str) -> None:
    assert loaded(module) == set()


def test_the_pipeline_itself_loads_only_langchain() -> None:
    assert loaded("bot.answer") <= {"langchain_core"}
