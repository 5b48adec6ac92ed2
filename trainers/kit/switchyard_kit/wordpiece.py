"""The word pieces of a BERT-like encoder: how a trainer cuts texts, and its front-end.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from switchyard_kit.failures import not_convertible

UNICODE = "8.0.0"
"""Of the categories that the package ``tokenizers`` has built in."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_COVERED = {
    ("normalizer", "type"): ("BertNormalizer",),
    ("normalizer", "clean_text"): (True,),
    ("normalizer", "handle_chinese_chars"): (True,),
    ("pre_tokenizer", "type"): ("BertPreTokenizer",),
    ("post_processor", "type"): ("TemplateProcessing", "BertProcessing"),
    ("model", "type"): ("WordPiece",),
}


class Wordpiece:
    """A ``tokenizer.json``, cut off after ``max_tokens`` with the first and the last one.

    Fails as ``NotConvertible`` for a setting that the serving front end does not reproduce.
    """

    def __init__(self, path: Path, max_tokens: int) -> None:
        from tokenizers import Tokenizer

        self.max_tokens = max_tokens
        self._settings = json.loads(path.read_bytes())
        _check_covered(self._settings)
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_tokens)
        # "[SEP]" in a text is what somebody typed.
        self._tokenizer.encode_special_tokens = True

    def encode(self, texts: list[str]) -> list[list[int]]:
        """The ids of each text; half a surrogate pair is read as U+FFFD, as it comes in UTF-8."""
        known = [_HALF_PAIR.sub("\ufffd", text) for text in texts]
        return [one.ids for one in self._tokenizer.encode_batch(known)]

    @property
    def padding(self) -> int:
        """The id that fills short rows."""
        return self._settings["model"]["vocab"]["[PAD]"]

    def front_end(self) -> dict[str, object]:
        """The content of ``front-end.json``: a piece's id is its place in ``vocabulary``."""
        normalizer, model = self._settings["normalizer"], self._settings["model"]
        ids: dict[str, int] = model["vocab"]
        first, last = self.encode([""])[0]
        strips = normalizer["strip_accents"]
        return {
            "schemaVersion": 3,
            "kind": "wordpiece",
            "unicode": UNICODE,
            "lowercase": normalizer["lowercase"],
            "stripAccents": normalizer["lowercase"] if strips is None else strips,
            "maxTokens": self.max_tokens,
            "maxWordLength": model["max_input_chars_per_word"],
            "continuing": model["continuing_subword_prefix"],
            "tokens": {
                "first": first,
                "last": last,
                "unknown": ids[model["unk_token"]],
                "padding": self.padding,
            },
            "vocabulary": sorted(ids, key=ids.__getitem__),
        }


def _check_covered(settings: dict[str, Any]) -> None:
    for (part, name), covered in _COVERED.items():
        given = (settings.get(part) or {}).get(name)
        if given not in covered:
            raise _refused(f"{part}.{name}={given!r}", " or ".join(map(repr, covered)))
    ids = settings["model"]["vocab"]
    if sorted(ids.values()) != list(range(len(ids))):
        raise _refused("model.vocab", "ids from 0 on, without a gap")
    for token in settings["added_tokens"]:
        if not token["special"] or ids.get(token["content"]) != token["id"]:
            raise _refused(f"added_tokens={token['content']!r}", "a special token of model.vocab")


def _refused(given: str, covered: str) -> Exception:
    return not_convertible(
        f"A tokenizer.json with {given} cannot become a front end; only {covered} can."
    )
