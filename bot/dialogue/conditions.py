"""Conditions of branches: comparisons over slots and facts, read by Python's parser, run by us.

`status in ["Packing", "Dispatched"] and not refundable`, `days_left >= 1`, `gift_card`. Nothing
but names, constants, lists, comparisons, `and`, `or` and `not` is understood.
"""

import ast
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from bot.types import Value

MAX_CHARS = 300
_ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Name, ast.Load,
    ast.Constant, ast.List, ast.Tuple,
)  # fmt: skip
_WORDS: dict[str, Value] = {"true": True, "false": False, "yes": "yes", "no": "no"}


def parse(text: str) -> ast.expr:
    """Reads a condition.

    Raises:
        ValueError: It is too long, no expression, or uses more than the above.
    """
    if len(text) > MAX_CHARS:
        raise ValueError(f"a condition may have {MAX_CHARS} characters, got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        raise ValueError(f"{text!r} is no condition; expected e.g. 'total > 50'") from None
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED):
            raise ValueError(
                f"{text!r} uses {type(node).__name__}; a condition knows only names, constants, "
                "lists, comparisons, and, or, not"
            )
    return tree.body


def _checked(text: str) -> str:
    parse(text)
    return text


Condition = Annotated[str, AfterValidator(_checked)]


def names(text: str) -> set[str]:
    """The slots and facts that a condition goes by."""
    found = {node.id for node in ast.walk(parse(text)) if isinstance(node, ast.Name)}
    return found - set(_WORDS)


def holds(text: str, values: Mapping[str, Value]) -> bool:
    """Whether a condition is true; what isn't known equals nothing and is not true."""
    return _true(_value(parse(text), values))


def _value(node: ast.expr, values: Mapping[str, Value]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values.get(name, _WORDS.get(name))
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return tuple(_value(item, values) for item in items)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _true(_value(operand, values))
        case ast.UnaryOp(operand=operand):
            number = _number(_value(operand, values))
            return None if number is None else -number
        case ast.BoolOp(op=op, values=parts):
            found = (_true(_value(part, values)) for part in parts)
            return all(found) if isinstance(op, ast.And) else any(found)
        case ast.Compare(left=left, ops=ops, comparators=rest):
            sides = [_value(side, values) for side in (left, *rest)]
            return all(_compare(op, a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False))
    raise AssertionError(f"parse() lets no {type(node).__name__} through")


def _compare(op: ast.cmpop, a: Any, b: Any) -> bool:
    if a is None or b is None:
        return isinstance(op, ast.NotEq | ast.NotIn)
    if isinstance(op, ast.In | ast.NotIn):
        inside = any(_same(a, item) for item in (b if isinstance(b, tuple) else (b,)))
        return inside == isinstance(op, ast.In)
    if isinstance(op, ast.Eq | ast.NotEq):
        return _same(a, b) == isinstance(op, ast.Eq)
    x, y = _ordered(a, b)
    match op:
        case ast.Lt():
            return bool(x < y)
        case ast.LtE():
            return bool(x <= y)
        case ast.Gt():
            return bool(x > y)
    return bool(x >= y)


def _ordered(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values that can be ordered: as numbers if both are, else as text (ISO dates are)."""
    x, y = _number(a), _number(b)
    return (x, y) if x is not None and y is not None else (str(a), str(b))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return _true(a) == _true(b)
    x, y = _ordered(a, b)
    return bool(x.lower() == y.lower() if isinstance(x, str) else x == y)


def _number(value: Any) -> float | None:
    if isinstance(value, bool | tuple) or value is None:
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _true(value: Any) -> bool:
    return value not in ("", "no") and bool(value)
