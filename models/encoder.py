"""ONNX export and sessions of the MiniLM encoders: the embedder and the cross-encoder.

We export with torch and run onnxruntime ourselves: optimum-onnx, which the ONNX backend of
sentence-transformers needs, holds transformers below 4.58 (docs/decisions/001).
"""

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.config import ModelsConfig
from models.cross_encoder import EVIDENCE
from models.errors import ModelDamaged, ModelMissing

if TYPE_CHECKING:
    import numpy.typing as npt

log = logging.getLogger("truepenny.models")
ADAPTERS = Path(__file__).parent / "adapters"
# padding included; more doesn't fit the caches: 157 pairs of 80 tokens took 1.8 s at 4096, 1.6 s
# one by one and 1.3 s so; at 214 tokens there is no difference
BATCH_TOKENS = 512
_AGREES = 2e-3  # largest difference between torch and ONNX logits or unit vectors
Outputs = tuple["npt.NDArray[np.float32]", ...]


def build_all(config: ModelsConfig) -> list[Path]:
    """Builds what serving needs of the encoders, where it isn't there yet."""
    return [embedder_onnx(config), verifier_onnx(config)]


def embedder_onnx(config: ModelsConfig) -> Path:
    """The embedder as a folder with model.onnx (mean of token states, unit length)."""
    from models.resolve import embedder_folder
    from models.store import Store

    source = embedder_folder(config)
    name = f"embedder-onnx-{_short(source)}"
    return Store.of(config).publish(name, lambda to: _export_embedder(source, to))


def verifier_folder(config: ModelsConfig) -> Path:
    """The verifier's adapter: LoRA matrices and heads."""
    folder = ADAPTERS / "verifier" if config.verifier == "default" else Path(config.verifier)
    if not (folder / "heads.safetensors").exists():
        raise ModelMissing(
            f"no verifier adapter in {folder}: expected adapter_model.safetensors and "
            "heads.safetensors; train one with `truepenny train verifier`"
        )
    return folder


def verifier_onnx(config: ModelsConfig) -> Path:
    """The cross-encoder with its adapter merged, as a folder with model.onnx."""
    from models.resolve import embedder_folder
    from models.store import Store

    base = embedder_folder(config.model_copy(update={"embedder": "default"}))
    adapter = verifier_folder(config)
    name = f"verifier-onnx-{_short(base, adapter)}"
    return Store.of(config).publish(name, lambda to: _export_verifier(base, adapter, to))


def load_verifier_torch(base: Path, adapter: Path) -> Any:
    """The torch cross-encoder with the adapter merged into its weights, in eval mode."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModel

    from models.cross_encoder import build, load_adapter
    from models.gguf import no_progress

    with no_progress(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft asks transformers for a deprecated attribute
        encoder = AutoModel.from_pretrained(base, attn_implementation="eager")
        peft_model = get_peft_model(encoder, LoraConfig.from_pretrained(str(adapter)))
    model: Any = build(peft_model)
    load_adapter(model, adapter)
    model.encoder = peft_model.merge_and_unload()
    return model.eval()


class EncoderSession:
    """An ONNX session over encoded texts, batched by length so that padding costs little."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        import onnxruntime

        from models.cross_encoder import prepare

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime raises its own types
            raise ModelDamaged(f"cannot load {folder / 'model.onnx'}: {error}") from None
        self.names = [output.name for output in self.session.get_outputs()]
        self.tokenizer = prepare(folder / "tokenizer.json")

    def run(
        self, encodings: Sequence[Any], batch_tokens: int = BATCH_TOKENS
    ) -> "npt.NDArray[np.float32]":
        """Returns one row of the first output an encoding, in the given order."""
        rows = [first for first, *_ in self.outputs(encodings, batch_tokens)]
        return np.asarray(rows, dtype=np.float32)

    def outputs(
        self, encodings: Sequence[Any], batch_tokens: int = BATCH_TOKENS
    ) -> list["Outputs"]:
        """Returns all of the model's outputs for each encoding, in the given order.

        A row with one value a token, padding included, is cut to the encoding's tokens.
        """
        rows: list[Any] = [None] * len(encodings)
        for batch in _by_length([len(item.ids) for item in encodings], batch_tokens):
            items = [encodings[i] for i in batch]
            # twice where it is alone: onnxruntime rounds a single row in another way
            outputs = self.session.run(None, self._feed(items * 2 if len(items) == 1 else items))
            for index, item, *values in zip(batch, items, *outputs, strict=False):
                rows[index] = tuple(
                    value[: len(item.ids)] if name == EVIDENCE else value
                    for name, value in zip(self.names, values, strict=True)
                )
        return rows

    def _feed(self, items: Sequence[Any]) -> dict[str, "npt.NDArray[np.int64]"]:
        shape = (len(items), max(len(item.ids) for item in items))
        ids, mask, types = (np.zeros(shape, dtype=np.int64) for _ in range(3))
        for row, item in enumerate(items):
            ids[row, : len(item.ids)] = item.ids
            mask[row, : len(item.ids)] = 1
            types[row, : len(item.ids)] = item.type_ids
        return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def _by_length(lengths: Sequence[int], batch_tokens: int) -> Iterator[list[int]]:
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    batch: list[int] = []
    for index in order:
        if batch and lengths[index] * (len(batch) + 1) > batch_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _export_embedder(source: Path, to: Path) -> dict[str, float]:
    import torch
    from transformers import AutoModel

    from models.gguf import no_progress

    with no_progress():
        encoder = AutoModel.from_pretrained(source, attn_implementation="eager")

    class Embedder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor,
        ) -> torch.Tensor:
            states = self.encoder(
                input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
            ).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(states.dtype)
            return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)

    return _export(Embedder().eval(), source / "tokenizer.json", to, ["vectors"])


def _export_verifier(base: Path, adapter: Path, to: Path) -> dict[str, float]:
    return _export(
        load_verifier_torch(base, adapter), base / "tokenizer.json", to, ["logits", EVIDENCE]
    )


def _export(model: Any, tokenizer_file: Path, to: Path, outputs: Sequence[str]) -> dict[str, float]:
    """Exports, then holds the ONNX output against torch's on fixed texts of two lengths."""
    import shutil

    import torch

    from models.cross_encoder import encode, prepare

    log.info("exporting the encoder with %s to ONNX (about 10 s)", " and ".join(outputs))
    names = ["input_ids", "attention_mask", "token_type_ids"]
    example = tuple(torch.ones((2, 8), dtype=torch.int64) for _ in names)
    axes = {name: {0: "batch", 1: "tokens"} for name in [*names, EVIDENCE]}
    axes.update({name: {0: "batch"} for name in outputs if name != EVIDENCE})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, example, str(to / "model.onnx"), input_names=names,
            output_names=list(outputs), dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
    shutil.copy(tokenizer_file, to / "tokenizer.json")
    texts = ["Returns take 30 days.", "A longer text. " * 40]
    session = EncoderSession(to)
    encodings = encode(prepare(tokenizer_file), texts, texts[::-1])
    got = session.outputs(encodings)
    feed = {name: torch.from_numpy(value) for name, value in session._feed(encodings).items()}
    with torch.inference_mode():
        found = model(**feed)
    wanted = found if isinstance(found, tuple) else (found,)
    worst = max(
        float(np.abs(row - right[index, : len(row)].numpy()).max())
        for index, rows in enumerate(got)
        for row, right in zip(rows, wanted, strict=True)
    )
    if not worst < _AGREES:
        raise ModelDamaged(
            f"the ONNX export of {' and '.join(outputs)} differs from torch by {worst:.4f}, more "
            f"than {_AGREES}: it is not used; try another onnxruntime release"
        )
    return {"largest_difference_to_torch": worst}


def _short(*folders: Path) -> str:
    """Twelve hex digits over the weights in the folders: a new adapter is a new export."""
    import hashlib

    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.glob("*.safetensors")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
