"""One of several processes that train a tiny model; prints its losses as JSON.

Run by test_processes.py, with WORLD_SIZE and the like in the environment.
"""

import json
import sys
from pathlib import Path


def main(out: Path, objective: str) -> None:
    import torch

    from finetune.checkpoint import weights
    from finetune.trainer import fit
    from tests.finetune.test_trainer import run

    torch.set_num_threads(1)
    more = {"accumulate": 2, "batch_tokens": 160} if objective == "accumulated" else {}
    replay = {"replay": 0.5, "kl": 1.0} if objective == "replayed" else {}
    job = run(out, epochs=3, **more, **replay)
    done = fit(job)
    sums = {name: float(value.double().sum()) for name, value in weights(job.model).items()}
    print(json.dumps({"losses": done.losses, "held": done.held_loss, "weights": sums}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
