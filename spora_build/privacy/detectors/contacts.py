"""E-mail addresses and telephone numbers."""

from __future__ import annotations

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-003"

_NAMED = Expression(
    r"_(e_?mail|e_?mails|email_address|mail|phone|phones|telephone|tel|telefon|telefono|handy|handynummer|cellulare|movil|fax"
    r"|pager|courriel|correo|correo_electronico|telefonnummer|mobilnummer|faxnummer|kontaktdaten|telefax|ruckruf|recapito"
    r"|telefonnr|tlf|tfn|mobiltelefon|mobilnr|epost|e_post|puhelin|puhelinnumero|gsm|sahkoposti|telefoon|telefoonnummer|celular"
    r"|telemovel|adresse_mail|handynr)_"
    r"|_(mobile|mobil|cell|contact)_(phone|number|nummer|info|details|email)_|^_(mobile|mobil|contact|kontakt|portable)_$"
)
_EMAIL = Expression(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_PHONE = Expression(
    r"(?<![\w.])(\+|00)\d{1,3}[\s./-]?(\(0?\d{1,4}\)[\s./-]?)?(\d[\s./-]?){6,12}(?!\w)"
    r"|(?<!\w)\(\d{2,5}\)[\s./-]?\d{3,4}[\s./-]?\d{2,5}(?!\w)"
    r"|(?<![\w.-])[2-9]\d\d([-. ])[2-9]\d\d\3\d{4}(?![\w-])"
)
_NATIONAL = Expression(r"0\d{1,4}[\s/-]\d{2,4}([\s-]?\d{2,4}){1,4}")


def find(column: Column) -> Hit | None:
    """Columns named for a way to reach somebody, and values that are one."""
    if column.is_boolean or column.is_measured:
        return None
    if _NAMED.search(column.words):
        return Hit(CODE, "is named for an e-mail address or telephone number", column.rows)
    if found := column.count(_EMAIL.search):
        return Hit(CODE, "has e-mail addresses", found)
    if found := column.count(_is_phone):
        return Hit(CODE, "has values in the form of telephone numbers", found)
    return None


def _is_phone(text: str) -> bool:
    if _PHONE.search(text):
        return True
    return _NATIONAL.fullmatch(text) is not None and 10 <= sum(letter.isdigit() for letter in text) <= 13
