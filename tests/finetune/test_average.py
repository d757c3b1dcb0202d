"""The mean of adapters."""

from pathlib import Path

import pytest

from finetune.average import FILES, average
from finetune.errors import FinetuneError


def adapter(folder: Path, value: float, width: int = 4) -> Path:
    import torch
    from safetensors.torch import save_file

    folder.mkdir()
    for name in FILES:
        save_file({"weight": torch.full((width, 2), value).half()}, folder / name)
    (folder / "adapter_config.json").write_text("{}")
    return folder


def test_it_is_the_mean_of_each_weight(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    given = [adapter(tmp_path / str(value), value) for value in (1.0, 2.0, 6.0)]
    average(given, tmp_path / "mean")
    for name in FILES:
        found = load_file(tmp_path / "mean" / name)["weight"]
        assert found.float().unique().tolist() == [3.0]
        assert found.shape == (4, 2)


def test_what_cannot_be_averaged_says_so(tmp_path: Path) -> None:
    one = adapter(tmp_path / "one", 1.0)
    wide = adapter(tmp_path / "wide", 1.0, width=5)
    with pytest.raises(FinetuneError, match="expected two or more"):
        average([one], tmp_path / "mean")
    with pytest.raises(FinetuneError, match="names or shapes"):
        average([one, wide], tmp_path / "mean")
    (wide / FILES[1]).unlink()
    with pytest.raises(FinetuneError, match="no verifier adapter"):
        average([one, wide], tmp_path / "mean")
    assert not (tmp_path / "mean" / FILES[1]).exists()
