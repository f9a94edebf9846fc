"""Dates finer than a year: of birth, death, visits, biopsies, acquisitions."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-006"

_BIRTH = Expression(
    r"_(dob|yob|birth_?(date|day|year|month)|birthday|birthdate|date_birth|year_birth|month_birth|day_birth|born|ddn|fdn)_"
    r"|_(geburtsdatum|geburtstag|geburtsjahr|geburtsmonat|geb_?datum|gebdat|geb)_|_(date|annee|mois|jour)_naissance_"
    r"|_(data|anno|mese)_nascita_|_(fecha|ano|mes|fec|f)_(nacimiento|nac|nacim)_|_(data|ano)_(nasc|nascimento)_|_(fnac|nasc)_"
    r"|_fodsels?(dato|dag|ar|maned)_|_fodelse(datum|dag|ar|manad)_|_(fodt|fodd|fodselsdato_ar|data_urodzenia|rok_urodzenia)_"
    r"|_syntyma(aika|paiva|vuosi|kuukausi)_|_geboorte(datum|dag|jaar|maand)_|_datum_narozeni_|^_(birth|naissance|nascita|nacimiento|geburt)_$"
)
_DATE = Expression(
    r"_(date|dates|datum|dato|pvm|paivamaara|fec|sterbedat|dod|fecha|fechas|datetime|timestamp|todestag|sterbedatum|date_time|when|tdm)_|datum_|dato_|paiva_"
    r"|_data_(decesso|morte|diagnosi|intervento|prelievo|visita|ricovero|operazione|biopsia|acquisizione|referto|esame)_"
    r"|^_(date|data_ora|tag|admission|discharge|birthday|giorno)_$|_(birth|death|dx|diagnosis|surgery|op|biopsy|sample|collection|visit|admission|discharge|fu|last)_dt_|_(day|month)_(death|diagnosis|surgery|visit|admission)_"
)
_SPAN = Expression(
    r"_(days|months|years|weeks|hours|interval|tage|monate|jahre|jours|mois|ans|giorni|mesi|anni|dias|meses|anos|duration"
    r"|delta|diff|difference|since|until|survival|elapsed|known|available|flag|status|year_diagnosis|batch_no)_"
)
_YEAR_ONLY = Expression(r"(19|20)\d\d")
_PART_OF_A_YEAR = Expression(
    r"(19|20)\d\d[-/ ]?(Q[1-4]|W[0-5]\d|KW ?[0-5]?\d)|(Q[1-4]|KW ?[0-5]?\d)[-/ ](19|20)\d\d", re.IGNORECASE
)
_CLOCK = Expression(
    r"_(time|zeit|heure|hora|ora|tid|aika|epoch|unix|stamp|ts|created|modified|acquired|scanned|exported)_"
)
_SECONDS = range(315_532_800, 2_208_988_800)
"""Unix time from 1980 to 2039."""

_MONTHS = (
    "jan(uary|uar|vier)?|feb(ruary|ruar)?|f[eé]v(rier)?|mar(ch|s|zo)?|m[aä]r(z)?|apr(il|ile)?|avr(il)?|may|mai|mayo|maggio|june?"
    "|juni|juin|junio|jul[yi]?|juillet|julio|aug(ust)?|ao[uû]t|agosto|sept?(ember|embre|tembre)?|o[ck]t(ober|obre)?|ottobre"
    "|octubre|nov(ember|embre|iembre)?|de[cz](ember|embre)?|d[eé]c(embre)?|diciembre|dicembre|gennaio|enero|febbraio|febrero"
    "|abril|giugno|luglio|settembre|septiembre"
)
_STRONG = Expression(
    r"(?<!\d)(19|20)\d\d[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<![\d./-])(0?[1-9]|[12]\d|3[01])([./-])(0?[1-9]|1[0-2])\5(19|20)\d\d(?!\d|[./]\d)"
    r"|(?<![\d./-])(0?[1-9]|1[0-2])([/.-])(0?[1-9]|[12]\d|3[01])\9(19|20)\d\d(?!\d|[./]\d)"
    rf"|(?<![\w])(0?[1-9]|[12]\d|3[01])(st|nd|rd|th|\.)?[\s-]+(of\s+|de\s+)?({_MONTHS})\.?[\s,-]+(de\s+)?(19|20)\d\d(?!\d)"
    rf"|(?<![\w])({_MONTHS})\.?[\s-]+(0?[1-9]|[12]\d|3[01])(st|nd|rd|th)?,?[\s-]+(19|20)\d\d(?!\d)"
    rf"|(?<![\w])(0?[1-9]|[12]\d|3[01])-?({_MONTHS})-?((19|20)\d\d|\d\d)(?!\w)",
    re.IGNORECASE,
)
_COMPACT = Expression(r"(?<!\d)(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_WEAK = Expression(
    rf"(0?[1-9]|[12]\d|3[01])([./])(0?[1-9]|1[0-2])\2\d\d|(0?[1-9]|1[0-2])([./])(0?[1-9]|[12]\d|3[01])\5\d\d"
    rf"|(0?[1-9]|1[0-2])[/-](19|20)\d\d|(19|20)\d\d[/-](0[1-9]|1[0-2])|({_MONTHS})\.?[\s-]+((19|20)\d\d|\d\d)",
    re.IGNORECASE,
)


def find(column: Column) -> Hit | None:
    """Columns named for a date (Excel's serial numbers included), and values that are or hold one. A year may stay."""
    if column.is_boolean:
        return None
    if is_birth(column):
        return Hit(CODE, "is named for a date or year of birth", column.rows)
    if _DATE.search(column.words) and not _SPAN.search(column.words) and column.share(_YEAR_ONLY.fullmatch) < 1:
        return Hit(CODE, "is named for a date", column.rows)
    if _CLOCK.search(column.words) and column.rows and column.share(_is_unix_time) == 1:
        return Hit(CODE, "counts seconds since 1970", column.rows)
    if column.is_measured:
        return None
    if found := column.count(_STRONG.search):
        return Hit(CODE, "has dates", found)
    if column.rows and column.share(_WEAK.fullmatch) >= 0.5:
        return Hit(CODE, "has dates", column.count(_WEAK.fullmatch))
    if found := column.count(_PART_OF_A_YEAR.fullmatch):
        return Hit(CODE, "has quarters or weeks of a year", found)
    if column.is_numeric:
        compact = column.count(_COMPACT.fullmatch)
        return Hit(CODE, "has dates written as eight digits", compact) if compact > column.rows / 2 else None
    if found := column.count(_COMPACT.search):
        return Hit(CODE, "has dates written as eight digits", found)
    return None


def is_birth(column: Column) -> bool:
    """Whether the column is named for a time of birth, and does not just count years from it."""
    return _BIRTH.search(column.words) is not None and not re.search(r"_(weight|order|place|city|since)_", column.words)


def is_named_date(column: Column) -> bool:
    """Whether the column is named for a date."""
    return _DATE.search(column.words) is not None and not _SPAN.search(column.words)


def _is_unix_time(text: str) -> bool:
    number = text.split(".")[0]
    return number.isdigit() and (int(number) in _SECONDS or (len(number) == 13 and int(number) // 1000 in _SECONDS))
