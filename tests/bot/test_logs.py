"""Personal data is masked in what is logged, wherever it slipped in."""

import io
import logging

from bot.service.logs import Masked, mask_logs


def test_personal_data_is_masked_in_message_and_traceback() -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(Masked(logging.Formatter("%(levelname)s %(message)s")))
    log = logging.Logger("test")
    log.addHandler(handler)
    try:
        raise ValueError("prompt: my card is 4111 1111 1111 1111")
    except ValueError:
        log.exception("failed for %s", "ann@shop.example")
    log.info("POST /v1/chat 200 12 ms")
    text = written.getvalue()
    assert text.startswith("ERROR failed for [email]\nTraceback")
    assert "card is [card]" in text
    assert text.endswith("INFO POST /v1/chat 200 12 ms\n")


def test_the_roots_handlers_keep_their_form() -> None:
    root, handler = logging.getLogger(), logging.StreamHandler(io.StringIO())
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    others, root.handlers = root.handlers, [handler]
    try:
        mask_logs()
        root.warning("call +49 30 1234567")
    finally:
        root.handlers = others
    assert handler.stream.getvalue() == "root: call [phone]\n"
