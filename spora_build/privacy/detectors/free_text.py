"""Text that somebody wrote, where anything may stand."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-008"

_NAMED = Expression(
    r"_(comment|comments|note|notes|remark|remarks|free_?text|narrative|anamnesis|history|report|letter|observations|summary"
    r"|bemerkung|bemerkungen|kommentar|kommentare|notiz|notizen|befund|befundtext|anamnese|freitext|arztbrief|verlauf|beschreibung"
    r"|commentaire|commentaires|remarque|remarques|compte_rendu|antecedents|observation|texte_libre|rapport"
    r"|commento|commenti|nota|annotazioni|osservazioni|referto|anamnesi|testo_libero|descrizione"
    r"|anmerkung|anmerkungen|merknad|merknader|anteckning|anteckningar|anmarkning|notat|kommentti|huomautus|huomio|opmerking"
    r"|opmerkingen|observacoes|uwagi|poznamka|bemaerkning|bemaerkninger|lisatiedot|[a-z]+notiz|[a-z]+notizen"
    r"|comentario|comentarios|notas|observaciones|informe|anamnesis|texto_libre|descripcion|description|text|misc|other_info)_"
)
_FAMILY_HISTORY = Expression(r"_(smoking|family|treatment|cancer)_history_")
_ABOUT_SOMEBODY = Expression(
    r"(?<!\w)(wife|husband|partner|widow(er)?|daughters?|sons?|brothers?|sisters?|nephew|niece|grand(son|daughter|mother|father)"
    r"|(ehe)?frau|(ehe)?mann|lebensgefährtin?|witwer?|tochter|töchter|sohn|söhne|bruder|schwester|neffe|nichte|enkelin?"
    r"|épouse|époux|mari|conjointe?|veu(f|ve)|fille|fils|frère|sœur|neveu|nièce"
    r"|moglie|marito|vedov[ao]|figli[ao]|fratello|sorella|nipote|esposa|esposo|viud[ao]|hij[ao]|herman[ao]|sobrin[ao]"
    r"|ektefelle|hustru|kone|make|maka|datter(en)?|dotter(n)?|sønn(en)?|son(en)?|bror(en)?|søster(en)?|syster(n)?"
    r"|vaimo|puoliso|tytär|poika|veli|sisko)(?!\w)",
    re.IGNORECASE,
)
_WORD = Expression(r"[^\W\d_]{2,}")
_NAMED_WORDS = 3
_SENTENCE_WORDS = 5
_LONG_WORDS = 9
_LONG_LETTERS = 120


def find(column: Column) -> Hit | None:
    """Columns named for remarks that hold phrases, and long values that differ from row to row."""
    if column.is_boolean or column.is_numeric:
        return None
    phrases = column.count(lambda value: len(_WORD.findall(value)) >= _NAMED_WORDS)
    distinct = len(column.counts)
    if _NAMED.search(column.words) and not _FAMILY_HISTORY.search(column.words) and (phrases or distinct > 12):
        return Hit(CODE, "is named for remarks and holds text somebody wrote", column.rows)
    if found := column.count(_is_about_somebody):
        return Hit(CODE, "has text about a person's family or household", found)
    if distinct == 1 and column.rows >= 3:
        return None  # the same for all says nothing about one
    long = column.count(lambda value: len(_WORD.findall(value)) >= _LONG_WORDS or len(value) > _LONG_LETTERS)
    if long and distinct > column.rows / 3:
        return Hit(CODE, "has long text that differs from row to row", long)
    return None


def _is_about_somebody(text: str) -> bool:
    return len(_WORD.findall(text)) >= _SENTENCE_WORDS and _ABOUT_SOMEBODY.search(text) is not None
