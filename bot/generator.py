"""The generator's port is LangChain's BaseChatModel; these are the embedded ones.

Both render the model's own chat template, decode greedily unless told otherwise, and stream.
Any provider that LangChain knows is a generator too.
"""

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, cast

from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import BaseMessage
from pydantic import PrivateAttr

from bot.embedded import EmbeddedGenerator
from models import genai
from models.config import ModelsConfig
from models.errors import ConfigError, ModelMissing
from models.gguf import no_progress
from models.resolve import generator_folder, generator_torch_folder

# Tokens of the prompt read at a time. onnxruntime_genai holds Python's lock while it reads, so a
# long prompt in one piece would stop every other thread of the service for a second. In
# one run on busy cores 128 took 3 % of the speed, 64 took 13 %.
_CHUNK = 128


class OnnxGenerator(EmbeddedGenerator):
    """The default engine: ONNX Runtime GenAI over a folder of `models.resolve`.

    Raises:
        ModelError: The folder can't be loaded.
    """

    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()
    _encoder: Any = PrivateAttr()
    _specials: list[str] = PrivateAttr(default_factory=list)
    _context: int = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Loads the model, so that a service that can't answer doesn't start."""
        import onnxruntime_genai as og

        threads = self.threads or genai.available_threads(ModelsConfig())
        self._model = genai.load(self.folder, threads)
        self._tokenizer = og.Tokenizer(self._model)
        self._encoder = genai.tokenizer(self.folder)
        table = json.loads((self.folder / genai.CONFIG).read_text(encoding="utf-8"))
        self._context = int(table["model"]["context_length"])
        self._specials = _special_tokens(self.folder / "tokenizer.json")

    @property
    def _llm_type(self) -> str:
        return "truepenny-onnx"

    def context_length(self) -> int:
        """Of the exported model, in tokens."""
        return self._context

    def encode(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The prompt's token ids, by the template in the folder."""
        chat = json.dumps(self.chat(messages, self._specials))
        prompt = self._tokenizer.apply_chat_template(chat, add_generation_prompt=True)
        return list(self._encoder.encode(prompt, add_special_tokens=False).ids)

    def _pieces(self, ids: list[int], settings: dict[str, Any]) -> Generator[str | None]:
        import numpy as np
        import onnxruntime_genai as og

        params = og.GeneratorParams(self._model)
        params.set_search_options(**_search_options(len(ids), settings))
        generator = og.Generator(self._model, params)
        stream = self._tokenizer.create_stream()
        ends = {int(token) for token in self._tokenizer.eos_token_ids}
        try:
            for start in range(0, len(ids), _CHUNK):
                generator.append_tokens(np.array(ids[start : start + _CHUNK], dtype=np.int32))
                yield None
            while not generator.is_done():
                generator.generate_next_token()
                token = int(generator.get_next_tokens()[0])
                if token in ends:
                    return
                yield stream.decode(token)
        finally:
            del generator  # frees the cache of keys and values now, not when this frame goes


class TransformersGenerator(EmbeddedGenerator):
    """The same over a causal language model of transformers, in float32.

    Slower, but it takes any architecture, and is what the export is tested against.
    """

    _model: Any = PrivateAttr()
    _tokenizer: Any = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """Loads the model; `threads` holds for all of torch in this process."""
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        if self.threads:
            torch.set_num_threads(self.threads)
        try:
            with no_progress():
                load = AutoModelForCausalLM.from_pretrained
                self._model = load(self.folder, dtype=torch.float32).eval()
                self._tokenizer = AutoTokenizer.from_pretrained(self.folder)
        except (OSError, ValueError) as error:
            raise ModelMissing(
                f"{self.folder} can't be loaded as a causal language model: {error}"
            ) from error

    @property
    def _llm_type(self) -> str:
        return "truepenny-transformers"

    def context_length(self) -> int:
        """By the model's configuration, in tokens."""
        return int(self._model.config.max_position_embeddings)

    def encode(self, messages: Sequence[BaseMessage]) -> list[int]:
        """The prompt's token ids, by the tokenizer's template."""
        added = self._tokenizer.added_tokens_decoder.values()
        chat = self.chat(messages, [str(token) for token in added if token.special])
        prompt = self._tokenizer.apply_chat_template(
            chat, tokenize=False, add_generation_prompt=True
        )
        return list(self._tokenizer(prompt, add_special_tokens=False)["input_ids"])

    def _pieces(self, ids: list[int], settings: dict[str, Any]) -> Generator[str | None]:
        from tokenizers.decoders import DecodeStream

        backend, stream = self._tokenizer.backend_tokenizer, DecodeStream(skip_special_tokens=True)
        end = self._model.generation_config.eos_token_id
        ends = set(end if isinstance(end, list) else [end])
        seen, fresh, past = list(ids), list(ids), None
        for _ in range(settings["max_tokens"]):
            token, past = self._next(fresh, past, seen, settings)
            if token in ends:
                return
            seen.append(token)
            fresh = [token]
            yield stream.step(backend, token) or ""

    def _next(
        self, fresh: list[int], past: Any, seen: list[int], settings: dict[str, Any]
    ) -> tuple[int, Any]:
        """One step: `fresh` are the tokens that the cache `past` doesn't hold yet."""
        import torch

        with torch.inference_mode():  # not around a yield, where it would leak to the caller
            out = self._model(
                input_ids=torch.tensor([fresh]),
                cache=past,
                use_cache=True,
                logits_to_keep=1,
            )
            logits = out.logits[0, -1].clone()
            used = torch.tensor(sorted(set(seen)))
            penalty, score = settings["repetition_penalty"], logits[used]
            logits[used] = torch.where(score > 0, score / penalty, score * penalty)
            if settings["temperature"] == 0:
                return int(logits.argmax()), out.cache
            chances = torch.softmax(logits / settings["temperature"], dim=-1)
            return int(torch.multinomial(chances, 1)), out.cache


def load_generator(name: str, config: ModelsConfig, **settings: Any) -> BaseChatModel:
    """The generator of that name, ready to use.

    Args:
        name: "onnx", "transformers", or "provider:model" as `init_chat_model` takes it.
        config: Says which weights the embedded engines take, and how many threads.
        settings: Fields of the generator: max_tokens, temperature, repetition_penalty; for a
            provider, whatever its class takes.

    Raises:
        ConfigError: There is no such generator, or its provider's package isn't installed.
        ModelError: The weights can't be fetched, built or loaded.
    """
    threads = genai.available_threads(config)
    if name == "onnx":
        return OnnxGenerator(folder=generator_folder(config), threads=threads, **settings)
    if name == "transformers":
        folder = generator_torch_folder(config)
        return TransformersGenerator(folder=folder, threads=threads, **settings)
    if ":" not in name:
        raise ConfigError(
            f"unknown generator {name!r}; expected 'onnx', 'transformers' or 'provider:model'"
        )
    from langchain.chat_models import init_chat_model

    try:
        return cast(BaseChatModel, init_chat_model(name, **settings))
    except (ImportError, ValueError) as error:
        raise ConfigError(f"the generator {name!r} can't be used: {error}") from error


def _search_options(prompt: int, settings: dict[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "max_length": prompt + int(settings["max_tokens"]),
        "repetition_penalty": float(settings["repetition_penalty"]),
        "do_sample": settings["temperature"] > 0,
    }
    return options | ({"temperature": settings["temperature"]} if options["do_sample"] else {})


def _special_tokens(tokenizer: Path) -> list[str]:
    if not tokenizer.is_file():
        return []
    added = json.loads(tokenizer.read_text(encoding="utf-8")).get("added_tokens", [])
    return [token["content"] for token in added if token.get("special")]
