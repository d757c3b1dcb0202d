"""`truepenny serve`: the service on a port, until it is told to stop."""

import sys
from functools import partial
from pathlib import Path

DRAIN_S = 20


def serve(
    config_path: Path | None = None,
    index: Path | None = None,
    host: str | None = None,
    port: int | None = None,
) -> None:
    """Runs the service; replies under way get 20 seconds to end when it is stopped.

    SIGHUP loads models, adapters and index anew.

    Args:
        config_path: truepenny.toml; None reads ./truepenny.toml if it is there.
        index: Stands for `[retrieval] index`.
        host: Stands for `[service] host`.
        port: Stands for `[service] port`.

    Raises:
        ConfigError: The configuration is wrong, or would expose a service without keys.
        StoreError: The database can't be used.
    """
    import signal

    import uvicorn

    from bot.dialogue.parts import load_dialogue
    from bot.dialogue.remembered import Remembered
    from bot.integrations.config import integrations_config
    from bot.service.app import create_app
    from bot.service.config import check_exposure, service_config
    from bot.service.logs import mask_logs
    from bot.service.readiness import Readiness
    from bot.store.config import store_config
    from bot.store.store import open_store
    from models.config import ModelsConfig, section
    from retrieval.retriever import RetrievalConfig

    given = {"host": host, "port": port}
    config = service_config(config_path).model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    store = open_store(store_config(config_path))
    check_exposure(config, keys_stored=store.keys.any())
    url = address(config.host, config.port)

    def told(readiness: Readiness) -> None:
        if readiness.status == "ready":
            _say(f"Truepenny is ready: {url}")
        else:
            _say(f"Truepenny can't answer: {'; '.join(readiness.reasons)}")

    folder = index or Path(section(config_path, "retrieval", RetrievalConfig).index)
    app = create_app(
        partial(load_dialogue, config_path, index, history=Remembered(store.needs.latest)),
        config, store=store,
        integrations=integrations_config(config_path), index=folder,
        models=section(config_path, "models", ModelsConfig), told=told,
    )  # fmt: skip
    mask_logs(config.log_format)
    signal.signal(signal.SIGHUP, lambda *_: app.state.service.readiness.reload())
    _say(f"Truepenny is starting on {url}")
    uvicorn.run(
        app, host=config.host, port=config.port, timeout_graceful_shutdown=DRAIN_S,
        access_log=False, server_header=False, log_level="warning",
        log_config=None, forwarded_allow_ips=list(config.trusted_proxies),
    )  # fmt: skip


def address(host: str, port: int) -> str:
    """The URL that reaches a host and port from this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)
    if ":" in name and not name.startswith("["):
        name = f"[{name}]"
    return f"http://{name}:{port}/"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
