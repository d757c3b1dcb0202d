"""The embedder's port, and its two engines: our ONNX export and sentence-transformers."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from models.config import ModelsConfig


class Embedder(Protocol):
    """Turns texts into unit vectors; `name` changes whenever the vectors would."""

    name: str

    def embed(self, texts: Sequence[str]) -> "npt.NDArray[np.float32]":
        """Returns (texts, width), rows of length 1."""
        ...


class OnnxEmbedder:
    """all-MiniLM-L6-v2, or any encoder pooled by the mean, over onnxruntime."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        from models.encoder import EncoderSession

        self.name = folder.name
        self._session = EncoderSession(folder, threads)

    def embed(self, texts: Sequence[str]) -> "npt.NDArray[np.float32]":
        """Returns (texts, width), rows of length 1; a text is cut at 256 tokens."""
        import numpy as np

        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        return self._session.run(self._session.tokenizer.encode_batch(list(texts)))


class SentenceTransformerEmbedder:
    """Any sentence-transformers model, with its own pooling and prompts."""

    def __init__(self, source: str) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = f"sentence-transformers:{source}"
        self._model = SentenceTransformer(source, device="cpu")

    def embed(self, texts: Sequence[str]) -> "npt.NDArray[np.float32]":
        """Returns (texts, width), rows of length 1."""
        import numpy as np

        vectors = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def load_embedder(config: "ModelsConfig") -> Embedder:
    """The pinned MiniLM over ONNX by default; sentence-transformers for every other model."""
    if config.embedder != "default":
        return SentenceTransformerEmbedder(config.embedder)
    from models.encoder import embedder_onnx

    return OnnxEmbedder(embedder_onnx(config), config.threads)
