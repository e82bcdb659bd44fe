"""Whether a secret was drawn at random, as far as its text shows. Who signs tokens by a guess sees every lion."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

CHARACTERS_MIN = 32
_DIFFERENT_MIN = 8
_COMPRESSED_MIN_BYTES = 32  # 32 random hexadecimal digits do not get below 36
_KNOWN = re.compile(
    r"change|replace|me|this|please|your|my|the|super|very|long|secret|jwt|token|key|password|passphrase|default|"
    r"example|test|random|text|string|value|characters|qwertyuiop|asdfghjkl|zxcvbnm|[^a-z0-9]"
)
_LEFT_MIN = 16


def weakness(secret: str) -> str | None:
    """What is wrong with a secret, as the end of a sentence; None when nothing shows."""
    if not secret:
        return "not set"
    if len(secret) < CHARACTERS_MIN:
        return "shorter"
    if len(zlib.compress(secret.encode(errors="replace"), 9)) < _COMPRESSED_MIN_BYTES:
        return "a repetition"
    if len(set(secret)) < _DIFFERENT_MIN:
        return "made of too few different characters"
    steps = [ord(after) - ord(before) for before, after in pairwise(secret)]
    if sum(abs(step) <= 1 for step in steps) * 3 > len(steps) * 2:
        return "a sequence"
    if len(_KNOWN.sub("", secret.lower())) < _LEFT_MIN:
        return "made of words that are tried first"
    return None
