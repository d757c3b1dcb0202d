"""The mean of adapters that come from the same start: a model soup.

Source: Wortsman et al. 2022, https://arxiv.org/abs/2203.05482 (the uniform soup).
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from finetune.errors import FinetuneError

FILES = ("adapter_model.safetensors", "heads.safetensors")


def average(folders: Sequence[Path], out: Path) -> None:
    """Writes the mean of verifier adapters' weights to `out`, as float16.

    The matrices of LoRA are averaged one by one, which makes sense only for adapters that went on
    from one start; golden scores must be written anew for the result.

    Raises:
        FinetuneError: Fewer than two adapters, one that isn't whole, or shapes that differ.
    """
    from safetensors.torch import load_file, save_file

    if len(folders) < 2:
        raise FinetuneError(f"got {len(folders)} adapters to average, expected two or more")
    for folder in folders:
        missing = [name for name in FILES if not (folder / name).exists()]
        if missing:
            raise FinetuneError(f"{folder} is no verifier adapter: it has no {missing[0]}")
    out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        states = [load_file(folder / name) for folder in folders]
        shapes = [{key: value.shape for key, value in state.items()} for state in states]
        if any(shape != shapes[0] for shape in shapes):
            raise FinetuneError(
                f"{name} differs in names or shapes between {', '.join(map(str, folders))}: only "
                "adapters of one rank, with the same heads, can be averaged"
            )
        mean = {
            key: (sum(state[key].float() for state in states) / len(states)).half().contiguous()
            for key in states[0]
        }
        save_file(mean, out / name)
    shutil.copy(folders[0] / "adapter_config.json", out)
    summary = {"mean_of": [str(folder) for folder in folders]}
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
