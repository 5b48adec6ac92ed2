from __future__ import annotations

import hashlib
import re
import unicodedata

import pytest
from switchyard_kit.unicode_14 import as_unicode_14

KNOWS_14 = tuple(map(int, unicodedata.unidata_version.split("."))) >= (14, 0, 0)


@pytest.mark.skipif(not KNOWS_14, reason="Python 3.10 knows Unicode 13")
def test_every_python_cuts_and_lowers_words_as_unicode_14_does() -> None:
    seen = hashlib.sha256()
    words = 0
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        text = as_unicode_14(chr(point))
        is_word = bool(re.match(r"\w", text))
        words += is_word
        if is_word or text.lower() != text:
            seen.update(f"{point:x} {is_word} {text.lower() if is_word else ''}\n".encode())
    # What Python 3.11, which has Unicode 14, says of itself.
    assert (words, seen.hexdigest()[:16]) == (133548, "e998c5364feec676")


def test_known_text_stays_as_it_is() -> None:
    text = "Größe ΟΔΟΣ İ 東京 🖨️ \x00"
    assert as_unicode_14(text) == text


def test_a_newer_letter_is_a_space_and_half_a_surrogate_pair_is_what_utf_8_makes_of_it() -> None:
    assert as_unicode_14("a\ua7cbb\U00031350c") == "a b c"
    assert as_unicode_14("a\ud800b\udc00") == "a\ufffdb\ufffd"
