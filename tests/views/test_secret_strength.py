"""Which secrets are refused."""

from __future__ import annotations

import base64
import random

import pytest
from pydantic import SecretStr

from liontrack_stream.secret_strength import weakness
from liontrack_stream.settings import Settings, SettingsError

WEAK = {
    "": "not set",
    "3f9a" * 7: "shorter",
    "a" * 64: "a repetition",
    "changeme" * 8: "a repetition",
    "0123456789" * 4: "a repetition",
    "0123456789abcdef" * 2: "a repetition",
    "for tests only, for tests only, for tests only": "a repetition",
    "abcdefghijklmnopqrstuvwxyz0123456789": "a sequence",
    "abacbabbcacabcbacbcaabcabcbbacbacbabcacbab": "made of too few different characters",
    "please-change-me-to-a-very-long-secret-key": "made of words that are tried first",
    "qwertyuiopasdfghjklzxcvbnm1234567890": "made of words that are tried first",
}


@pytest.mark.parametrize("secret", WEAK)
def test_what_anybody_would_guess_is_weak(secret: str, stack_settings: Settings) -> None:
    assert weakness(secret) == WEAK[secret]
    with pytest.raises(SettingsError, match="openssl rand -hex 32") as refused:
        stack_settings.model_copy(update={"jwt_secret": SecretStr(secret)}).require_jwt_secret()
    assert not secret or secret not in str(refused.value)


def test_what_is_drawn_at_random_is_not() -> None:
    draw = random.Random(7)
    for _ in range(2_000):
        assert weakness(draw.randbytes(16).hex()) is None
        assert weakness(base64.b64encode(draw.randbytes(24)).decode()) is None
    assert weakness("correct horse battery staple, and two lions more") is None
