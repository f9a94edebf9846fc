"""Forms and check digits of national identity and insurance numbers."""

from __future__ import annotations

import re

from spora_build.privacy.expression import Expression

_SSN = Expression(r"(?<![\w-])(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?![\w-])")
_AHV = Expression(r"(?<!\d)756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d(?!\d)")
_NHS_SPACED = Expression(r"(?<![\d-])\d{3}[ -]\d{3}[ -]\d{4}(?![\d-])")
_CODICE_FISCALE = Expression(r"(?<!\w)[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z](?!\w)", re.IGNORECASE)
_NIR = Expression(r"(?<!\d)[12] ?\d\d ?(0[1-9]|1[0-2]|[2-9]\d) ?(\d\d|2[AB]) ?\d{3} ?\d{3}( ?\d\d)?(?!\d)")
_DNI = Expression(r"(?<!\w)([XYZ]?\d{7,8})-?([A-Z])(?!\w)", re.IGNORECASE)
_NORDIC = Expression(r"(?<![\d-])(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])\d\d[-+A]\d{3}[\dA-Y](?!\w)")
_SWEDISH = Expression(r"(?<![\d-])((19|20)?\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])[-+]\d{4}(?![\d-])")
_BELGIAN = Expression(r"(?<!\d)\d\d\.\d\d\.\d\d-\d{3}\.\d\d(?!\d)")
_BRAZILIAN = Expression(r"(?<!\d)\d{3}\.\d{3}\.\d{3}-\d\d(?!\d)")
_CHILEAN = Expression(r"(?<![\d.])\d{1,2}\.\d{3}\.\d{3}-[\dkK](?!\w)")
_ARGENTINE = Expression(r"(?<![\d-])(20|23|24|27|30|33|34)-\d{8}-\d(?![\d-])")
_KVNR = Expression(r"[A-Z]\d{9}")
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"


def is_certain(text: str) -> bool:
    """Whether the text holds a number whose form, or form and check digit, hardly anything else has."""
    return any(
        (
            _SSN.search(text),
            any(_ean13(_digits(match[0])) for match in _AHV.finditer(text)),
            any(_nhs(_digits(match[0])) for match in _NHS_SPACED.finditer(text)),
            _CODICE_FISCALE.search(text),
            any(len(match[0]) >= 13 and _nir(match[0]) for match in _NIR.finditer(text)),
            any(_dni(match[1], match[2]) for match in _DNI.finditer(text)),
            _NORDIC.search(text),
            _SWEDISH.search(text),
            _BELGIAN.search(text),
            _BRAZILIAN.search(text),
            _CHILEAN.search(text),
            _ARGENTINE.search(text),
        )
    )


def is_likely(text: str) -> bool:
    """Whether the text may be such a number; convincing only where a whole column of them is."""
    return bool((len(text) == 10 and text.isdigit() and _nhs(text)) or _KVNR.fullmatch(text))


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _ean13(digits: str) -> bool:
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def _nhs(digits: str) -> bool:
    check = 11 - sum(int(digit) * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return check != 10 and check % 11 == int(digits[9])


def _nir(text: str) -> bool:
    compact = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    if len(compact) == 13:
        return " " in text
    return 97 - int(compact[:13]) % 97 == int(compact[13:])


def _dni(number: str, letter: str) -> bool:
    digits = number.upper().translate(str.maketrans("XYZ", "012"))
    return len(digits) == 8 and _DNI_LETTERS[int(digits) % 23] == letter.upper()
