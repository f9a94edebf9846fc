"""Names of people: patients, relatives, and the staff whose names lead to them."""

from __future__ import annotations

from spora_build.privacy.column import Column
from spora_build.privacy.detectors.given_names import is_given_name
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-001"

_WHOSE = (
    "pat|pt|first|last|middle|full|given|family|maiden|birth|sur|patient|patienten|subject|donor|person|contact|doctor|physician"
    "|surgeon|pathologist|operator|investigator|user|mother|father|mothers|fathers|spouse|participant"
)
_NAMED = Expression(
    rf"_({_WHOSE})_?names?_|_(surname|forename|initials)_|_(vor|nach|familien|geburts|ruf|patienten)_?namen?_"
    r"|_(initialen|prenoms?|patronyme|initiales|kurzel|initialer|alias|aliases|aka|nickname|spitzname|surnom)_"
    r"|_(for|fornamn|efter|etter|mellom|mellem|till?tals|smek|pike|dop)(navn|namn)_|_(navn|namn|nimi|imie|jmeno)_"
    r"|_(etu|suku|kutsuma)nimi_|_(voor|achter|roep|familie|meisjes)?(naam|namen)_|_(nazwisko|prijmeni|sobrenome|apelidos?)_"
    r"|_(cognome|cogn|iniziali|apellidos?|iniciales|nombres)_"
    r"|_(name|nom|nome|nombre)_(patient|patiente|patientin|patienten|pt|paziente|paciente|famille|jeune_fille|pila|completo|naissance|usuel|usage|marital|epouse)_"
    r"|_name_(first|last|full|given|family)_|_nom_complet_|_nome_completo_"
)
_JUST_A_NAME = Expression(r"_(names?|nom|nome|nombre|noms)_")
_STAFF = Expression(
    r"_(gp|consultant|attending|provider|resident|trainee|fellow|operator|pathologist|surgeon|physician|doctor|clinician|nurse|technician|oncologist|radiologist|investigator"
    r"|reviewer|annotator|chirurg|chirurgin|pathologe|pathologin|untersucher|operateur"
    r"|einsender|zuweiser|medecin|chirurgien|chirurgienne|pathologiste|medico|chirurgo|patologo|operatore|cirujano"
    r"|ansprech(partner|person)|kontaktperson|bezugsperson|angehorige|vormund|parorende|anhorig|omainen|lahiomainen"
    r"|lakare|behandlare|huslakare|lege|fastlege|overlege|laege|laakari|huisarts|arts|specialist|lekarz|kirurg|patolog"
    r"|sjukskoterska|sykepleier|sygeplejerske|saksbehandler|verpleegkundige|cirurgiao|enfermeir[ao]"
    r"|employer|arbeitgeber|employeur|datore_lavoro|empleador|empresa|arbeidsgiver|arbetsgivare|arbejdsgiver|tyonantaja|werkgever"
    r"|patologa|operador|tecnico|next_kin|relative|guardian|emergency_contact|referrer|referring_provider"
    r"|referring|[a-z]+_by)_|_dr_$|a(e)?rzt(in)?_"
)
_JUDGEMENT = Expression(
    r"_(score|scores|grade|grading|annotation|assessment|label|call|review|consensus|estimate|percent|agreement|diagnosis|experience"
    r"|specialty|speciality|training|years|type)_"
)
_TITLED = Expression(
    r"(?<!\w)(Dr|Prof|Mr|Mrs|Ms|Miss|Herr|Frau|Mme|Mlle|Monsieur|Madame|Sig|Signora?|Sr|Sra|Srta|Dott|Dottssa|Dra)\.?"
    r"\s+((med|rer|nat|phil|habil)\.\s*)*[A-ZÀ-Ý][\w'’-]+"
)
_INITIALS = Expression(r"([A-ZÀ-Ý]\.[ -]?){1,3}[A-ZÀ-Ý]\.?")
_WORD = Expression(r"[^\W\d_]+(?:['’-][^\W\d_]+)*\.?")
_SHORTEST_COLUMN_OF_GIVEN_NAMES = 0.6
_SHORTEST_COLUMN_OF_INITIALS = 0.9
_FEW = 3


def find(column: Column) -> Hit | None:
    """Columns named for a person's name that hold text, and values that read as people."""
    if column.is_boolean or column.is_numeric:
        return None
    just_a_name = column.table != "cells" and _JUST_A_NAME.fullmatch(column.words)
    if just_a_name or _NAMED.search(column.words):
        return Hit(CODE, "is named for a person's name or initials", column.rows)
    if _STAFF.search(column.words) and not _JUDGEMENT.search(column.words):
        return Hit(CODE, "is named for a person", column.rows)
    if found := column.count(_is_person):
        return Hit(CODE, "has values that read as names of people", found)
    if len(column.counts) >= _FEW and column.share(_INITIALS.fullmatch) >= _SHORTEST_COLUMN_OF_INITIALS:
        return Hit(CODE, "has values in the form of initials", column.rows)
    if column.share(is_given_name) >= _SHORTEST_COLUMN_OF_GIVEN_NAMES:
        return Hit(CODE, "has values that are given names", column.count(is_given_name))
    return None


def _is_person(text: str) -> bool:
    """``Dr. Meier``, ``Meier, Anna``, ``Anna Meier``, ``MEIER Anna M.``, ``Meier_Anna_1950``."""
    if _TITLED.search(text):
        return True
    words = [word for word in text.replace(",", " ").replace("_", " ").split() if not word.isdigit()]
    return (
        2 <= len(words) <= 4
        and text.count(",") <= 1
        and all(_WORD.fullmatch(word) and word[0].isupper() for word in words)
        and any(is_given_name(word) for word in words)
        and not all(is_given_name(word) and len(word) < 3 for word in words)
    )
