"""The serving front end, written a second time in Python for the parity tests."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np


def encode(texts: list[str], front_end: dict[str, Any]) -> dict[str, np.ndarray]:
    """ids int32 and counts float32, both [rows, most distinct words in a row]; 0 is padding."""
    ids_of = {word: index + 1 for index, word in enumerate(front_end["vocabulary"])}
    bags = []
    for text in texts:
        words = re.findall(r"\w+", text.lower())
        known = (w for w in words if len(w) >= front_end["minTokenLength"] and w in ids_of)
        bags.append(Counter(ids_of[word] for word in known))
    width = max((len(bag) for bag in bags), default=0)
    ids = np.zeros((len(texts), width), np.int32)
    counts = np.zeros((len(texts), width), np.float32)
    for row, bag in enumerate(bags):
        for column, (word, count) in enumerate(bag.items()):
            ids[row, column], counts[row, column] = word, count
    return {"ids": ids, "counts": counts}
