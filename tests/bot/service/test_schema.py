"""Schemathesis over the OpenAPI description: no 5xx, no answer that isn't described."""

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.bot.client import serving

CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)


def run(examples: int) -> Counter[int]:
    """Calls each operation `examples` times with made-up input, fit and unfit."""
    seen: Counter[int] = Counter()
    with serving(max_waiting=50) as client:
        schema: Any = schemathesis.openapi.from_asgi("/openapi.json", client.app)
        for result in schema.get_all_operations():
            operation = result.ok()
            for mode in schemathesis.GenerationMode:
                with suppress(Unsatisfiable):  # a call without input has no unfit one
                    _try(operation, mode, examples, client, seen)
    return seen


def _try(operation: Any, mode: Any, examples: int, client: Any, seen: Counter[int]) -> None:
    @settings(
        max_examples=examples, deadline=None, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck), phases=[Phase.generate],
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        response = case.call(session=client)
        seen[response.status_code] += 1
        assert response.status_code < 500, case.as_curl_command()
        case.validate_response(response, checks=CHECKS)

    call()


def test_some_hundred_cases() -> None:
    seen = run(10)
    assert seen.total() >= 150
    assert {200, 422, 404} <= set(seen)


@pytest.mark.slow
def test_five_thousand_cases() -> None:
    assert run(350).total() >= 5000
