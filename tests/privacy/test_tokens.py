"""What plain letters fold to is what the rules for all letters make of them."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from spora_build.privacy.tokens import Token, TokenSet, fold

PLAIN = st.text(st.characters(max_codepoint=127), max_size=20)


@given(PLAIN)
def test_plain_letters_fold_as_all_letters_do(text: str) -> None:
    assert fold(text) == unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).strip().casefold())


@given(st.text(st.characters(max_codepoint=127, categories=["L", "N", "P"]), min_size=6, max_size=20))
def test_plain_tokens_are_found_in_every_case_and_encoding(text: str) -> None:
    token = Token(text, "a patient", True)
    for spelled in (text, text.lower(), text.upper(), text.title()):
        for encoding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be"):
            assert TokenSet([token]).in_bytes(b"\1" + spelled.encode(encoding) + b"\1") == {token}
