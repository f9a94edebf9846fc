"""Texts that are (nearly) different in every row: a code of the lab, a hash, a token."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-012"

_HARMLESS = Expression(
    r"_(geo|uniprot|genbank|refseq|ensembl|ensg|hgnc|entrez|rrid|catalog|catalogue|rsid|dbsnp|ontology|core|cores|position|pos|coordinate|coordinates|coord|roi|rois|fov|well|tma|grid|spot|cell|cells|nucleus|channel|marker"
    r"|gene|genes|protein|peptide|antibody|clone|colou?r|hex|tnm|stage|mutation|mutations|variant|variants|hgvs|karyotype|icd"
    r"|icdo|icd_10|snomed|diagnosis|histology|histotype|regimen|treatment|therapy|drug|drugs|object|label|cluster|region"
    r"|neighbou?rhood|phenotype|celltype|cell_type|acquisition|panel|row|column|col|well|plate|cycle|tile|tissue_type|isotope"
    r"|metal|signature|site|interval|range|group|class|subtype|score|x|y)_"
)
_ID = Expression(
    r"_(id|ids|barcode|identifier|code|codes|uuid|guid|hash|token|key|sample|samples|specimen|slide|slides|block|blocks|aliquot"
    r"|label_id|lab_no|nr|nummer|probe|proben|echantillon|lame|bloc|campione|vetrino|muestra|lamina|sample_name|sample_id)_"
)
_TOKEN = Expression(
    r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{16,}|[A-Za-z0-9+/_-]{20,}={0,2}", re.IGNORECASE
)
_CODE_LIKE = Expression(r"(?=.*\d)(?=.*[A-Za-z])\S{5,}")
_PUBLIC = Expression(
    r"ENS[A-Z]{0,4}[GTPE]\d{11}(\.\d+)?|HGNC:\d+|rs\d+|GS[EM]\d+|SRR\d+|AB_\d+|[A-Z]{2,10}[:_]\d{7}|[OPQ]\d[A-Z0-9]{3}\d|N[MPR]_\d+(\.\d+)?"
)
"""Accessions of public databases: genes, variants, antibodies, terms of ontologies."""
_MEASURED = Expression(
    r"_(age|days|hours|weeks|months|years|count|counts|size|area|thickness|weight|quality|volume|width|height|length|distance|mm|um|px|nm)_"
)
_FEW = 5


def find(column: Column) -> Hit | None:
    """Nearly unique text, repeated lab codes, and columns named for an id whose values are nearly unique numbers."""
    distinct, rows = len(column.counts), column.rows
    if column.is_boolean or column.is_measured or distinct < 2:
        return None
    tokens = column.count(lambda value: _TOKEN.fullmatch(value) and any(letter.isdigit() for letter in value))
    if tokens > rows / 2 and not column.is_numeric:
        return Hit(CODE, "has hashes or tokens, which can be looked up by whoever made them", tokens)
    if _HARMLESS.search(column.words) or rows < _FEW or (column.is_numeric and _MEASURED.search(column.words)):
        return None
    if column.share(_PUBLIC.fullmatch) == 1:
        return None
    unique = distinct >= _FEW and distinct >= 0.9 * rows
    is_id = _ID.search(column.words) is not None
    if unique and (is_id or not column.is_numeric):
        return Hit(CODE, "differs in nearly every row, as a code for a person or a sample does", rows)
    codes = sum(1 for value in column.counts if _CODE_LIKE.fullmatch(value))
    if codes > distinct / 2 and _FEW <= distinct >= 0.9 * column.once:
        return Hit(CODE, "differs in nearly every patient, as a code for a person does", rows)
    floor = 0.02 if is_id else 0.2
    if (
        not column.is_numeric
        and codes > distinct / 2
        and distinct >= 8
        and distinct >= floor * rows
        and rows < 100 * distinct
    ):
        return Hit(CODE, "has many codes of letters and digits, as identifiers are", rows)
    return None
