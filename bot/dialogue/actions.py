"""Carries out actions: over HTTP or by a Python callable, checked against a JSON schema.

A call that has no trustworthy result raises; nothing is ever made up in its place.
"""

import hashlib
import hmac
import importlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

from bot.dialogue.errors import ActionFailed, Refused
from bot.dialogue.flows import fill, places
from bot.dialogue.schema import Action
from bot.types import Value

if TYPE_CHECKING:
    from httpx2 import BaseTransport, Client, Response

log = logging.getLogger("truepenny.dialogue")
BACK_OFF_S, LONGEST_S = 0.2, 2.0
MAX_BYTES = 1_000_000
_WRITES = ("POST", "PUT", "PATCH")
_PASSING = {429, 500, 502, 503, 504}


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a call ended: "ok" with its fields, or another outcome that the action declares."""

    outcome: str = "ok"
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Calls actions.

    `url` is what paths are relative to, `secret` signs requests, `transport` and `sleep` stand
    in for the network and the clock in tests.
    """

    url: str = ""
    secret: str = ""
    transport: "BaseTransport | None" = None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.time

    def call(self, action: Action, inputs: Mapping[str, str], key: str) -> Done:
        """Carries out an action once; the same `key` tells the other side that it is the same.

        Args:
            action: What to do.
            inputs: Slots and facts as text, for the {names} of the action.
            key: The idempotency key.

        Raises:
            ActionFailed: No answer, a wrong one, or an error, after all retries.
        """
        given = {
            name: fill(text, inputs)
            for name, text in action.inputs.items()
            if all(used in inputs for used in places(text))  # what was skipped isn't sent
        }
        if action.python:
            return _checked(action, *_python(action, given))
        return _checked(action, *self._http(action, given, inputs, key))

    def _http(
        self, action: Action, given: Mapping[str, str], inputs: Mapping[str, str], key: str
    ) -> tuple[str, Any]:
        import httpx2

        method, _, template = action.http.partition(" ")
        try:
            path = fill(template, {name: quote(value, safe="") for name, value in inputs.items()})
        except KeyError as error:
            raise ActionFailed(f"{template!r} needs {error}, which isn't known") from None
        if not (url := urljoin(self.url, path)).startswith(("http://", "https://")):
            raise ActionFailed(f"{path!r} is no whole URL: set [bot] action_url")
        with httpx2.Client(timeout=action.timeout_s, transport=self.transport) as client:
            response = self._retried(client, action, method, url, given, key)
        if outcome := action.outcomes.get(str(response.status_code)):
            return outcome, {}
        if not response.is_success:
            raise ActionFailed(f"{method} {url}: HTTP {response.status_code}")
        if len(response.content) > MAX_BYTES:
            raise ActionFailed(f"{method} {url}: {len(response.content)} bytes, over {MAX_BYTES}")
        try:
            return "ok", response.json() if response.content else {}
        except ValueError:
            raise ActionFailed(f"{method} {url}: expected JSON, got something else") from None

    def _retried(
        self, client: "Client", action: Action, method: str, url: str,
        given: Mapping[str, str], key: str,
    ) -> "Response":  # fmt: skip
        """Tries again, after longer and longer waits, what may pass by itself."""
        import httpx2
        from tenacity import (
            Retrying,
            retry_if_exception_type,
            retry_if_result,
            stop_after_attempt,
            wait_exponential_jitter,
        )

        def last(state: Any) -> "Response":
            answer: Response = state.outcome.result()
            return answer

        tries = Retrying(
            stop=stop_after_attempt(action.retries + 1),
            wait=wait_exponential_jitter(multiplier=BACK_OFF_S, max=LONGEST_S, jitter=BACK_OFF_S),
            retry=retry_if_exception_type(httpx2.TransportError)
            | retry_if_result(lambda answer: answer.status_code in _PASSING),
            retry_error_callback=last, sleep=self.sleep,
        )  # fmt: skip
        try:
            return tries(self._send, client, method, url, given, key)
        except httpx2.HTTPError as error:
            raise ActionFailed(f"{method} {url}: {type(error).__name__}: {error}") from None

    def _send(
        self, client: "Client", method: str, url: str, given: Mapping[str, str], key: str
    ) -> "Response":
        writes = method in _WRITES
        body = json.dumps(given).encode() if writes else b""
        request = client.build_request(
            method, url, content=body or None, params=None if writes or not given else given
        )
        request.headers["Idempotency-Key"] = key
        if writes:
            request.headers["Content-Type"] = "application/json"
        if self.secret:
            path = request.url.raw_path.decode()
            request.headers.update(signature(self.secret, int(self.clock()), method, path, body))
        return client.send(request)


def signature(secret: str, timestamp: int, method: str, path: str, body: bytes) -> dict[str, str]:
    """The headers that sign a request: HMAC-SHA256 over "timestamp.METHOD.path?query.body"."""
    signed = f"{timestamp}.{method}.{path}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {
        "X-Truepenny-Timestamp": str(timestamp),
        "X-Truepenny-Signature": f"sha256={digest}",
    }


def _python(action: Action, given: Mapping[str, str]) -> tuple[str, Any]:
    function = resolve(action.python)
    try:
        return "ok", function(**given)
    except Refused as refused:
        if refused.outcome in action.outcomes.values():
            return refused.outcome, {}
        raise ActionFailed(f"{action.python}: undeclared outcome {refused.outcome!r}") from None
    except Exception as error:
        raise ActionFailed(f"{action.python}: {type(error).__name__}: {error}") from error


def resolve(path: str) -> Callable[..., Any]:
    """The callable at a dotted path.

    Raises:
        ActionFailed: There is none.
    """
    module, _, name = path.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ActionFailed(
            f"no callable {path!r} ({error}): install its package, or set PYTHONPATH"
        ) from None
    if not callable(found):
        raise ActionFailed(f"{path!r} is not callable")
    return found


def _checked(action: Action, outcome: str, data: Any) -> Done:
    """The fields that the schema names, once the whole fits it."""
    from jsonschema import Draft202012Validator, FormatChecker

    if outcome != "ok":
        return Done(outcome=outcome)
    checker = Draft202012Validator(action.result, format_checker=FormatChecker(["date", "email"]))
    problems = sorted(checker.iter_errors(data), key=lambda problem: list(map(str, problem.path)))
    if problems:
        where = "/".join(str(part) for part in problems[0].path) or "the result"
        raise ActionFailed(f"{where}: {problems[0].message[:200]}")
    fields = action.fields if isinstance(data, dict) else ()
    found = {name: _value(data[name]) for name in fields if name in data}
    return Done(values={name: value for name, value in found.items() if value is not None})


def _value(data: Any) -> Value | None:
    """A fact: a text, number or truth value, or a list of texts; nothing else can be said."""
    if isinstance(data, list):
        return tuple(str(item) for item in data)
    return data if isinstance(data, str | int | float | bool) else None
