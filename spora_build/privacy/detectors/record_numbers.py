"""Numbers that an institution or a state gave a person or a case: MRN, accession, social security and their kin."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.detectors import national_numbers
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-002"

_OF = (
    "medical|hospital|health|chart|case|accession|record|patient|patienten|subject|participant|donor|person|personal|admission"
    "|encounter|account|insurance|policy|member|beneficiary|licen[cs]e|certificate|social_security|national|identity"
    "|histology|pathology|path|requisition|registry|cancer_registry|clinic|study_subject|study|screening|enrolment|enrollment"
    "|health_plan|health_card|driver|drivers|nhs|fall|aufnahme|versicherten|versicherungs|kranken|sozialversicherungs"
    "|histologie|eingangs|journal|akten|ausweis|studien|probanden|paziente|paciente|dossier|cartella"
)
_NAMED = Expression(
    rf"_({_OF})_?(record_|card_)?(id|ids|no|nr|num|number|numbers|nummer|code|identifier|barcode|key|kennung|kennzahl)_"
    r"|_(mrn|ssn|ssnr|ahv|ahvn|avs|nhs|nir|ipp|dni|nie|nif|curp|cpf|bsn|cpr|pesel|pid|patid|patnr|patno|kvnr|fallnr|urn)_"
    r"|_(nip|iep|sip|cip|nuhsa|nuss|hetu|henkilotunnus|fodselsnummer|fodselsnr|personnr|kennitala|rodne_cislo|ptid|medrec|kis)_"
    r"|_(potilas|journal|sykehus|sjukhus|rekvisition|remiss|prove|preparat|pasient|patient)_?(nummer|numero|nr|no|id|tunnus)_"
    r"|_(personnummer|nhc|iban|passport|reisepass|passeport|pasaporto|pasaporte|passaporto|krankenkasse|medicare|medicaid)_"
    r"|(patienten|fall|aufnahme|versicherten|versicherungs|histologie|eingangs|journal|akten|ausweis)(nummer|nr|id|kennung)_"
    r"|_(num|numero|no|n)_(patient|dossier|securite_sociale|secu|carte|identification|adherent|paziente|cartella|tessera"
    r"|paciente|historia|expediente|afiliacion|seguridad_social|identificacion|accession)_"
    r"|_(id|identifiant|codice|codigo|code)_(patient|paziente|paciente|identificativo|sanitario|subject|dossier)_"
    r"|_(codice_fiscale|tessera_sanitaria|cartella_clinica|historia_clinica|tarjeta_sanitaria|seguridad_social)_"
    r"|(kranken|patienten)_?akten?_|_securite_sociale_|_social_security_|_medical_record_|_expediente_|_lab_accession_|_case_accession_"
    r"|^_(patientin|patienten|patienter|potilas|pacientes|pazienti|chart|dossier|legajo|journal|member|member_id|accession|subject|pasient|paciente_id|subjects|patient|patients|donor|participant|paziente|paciente|patiente|proband|mrn_id|case)_$"
    r"|patientenschlussel_|_(block|bloc|lame|lamina|blocco|vetrino|objekttrager|blokk)_?(nummer|numero|nr|no)_"
)
_PUBLIC = Expression(r"_(geo|uniprot|genbank|refseq|term|source|ontology|gene|protein|array|sra|ena|arm|protocol)_")
_COUNTED = Expression(r"_(count|counts|total|per)_")
_MEASURE = Expression(
    r"_(count|counts|total|sum|area|size|width|height|length|intensity|volume|x|y|z|px|um|mm|nm|seed|reads|cells|dose|cost|platelets|leukocytes|lymphocytes|neutrophils|wbc|rbc"
    r"|thrombozyten|plaquettes|piastrine|plaquetas|viral|load|level|value|distance|pixels)_"
)
_PATHOLOGY_CASE = Expression(
    r"[A-Z]{1,4}[-/ ]?(19|20)\d\d[-/. ]\d{2,7}|[A-Z]{1,3}[-/ ]?\d\d[-/]\d{3,7}|\d\d-[A-Z]{1,3}-\d{3,7}"
)
_LABELLED = Expression(r"(?<!\w)(MRN|SSN|AHV|NHS|Pat\.?-?(ID|Nr)|case no|accession)[\s.:#]*\d{4,}", re.IGNORECASE)
_MEDICAL_NUMBER_DIGITS = range(6, 13)


def find(column: Column) -> Hit | None:
    """Columns named for such a number, values in the form of one, and long numbers that differ from row to row."""
    if column.is_boolean or column.is_measured:
        return None
    if _NAMED.search(column.words) and not (_PUBLIC.search(column.words) or _COUNTED.search(column.words)):
        return Hit(CODE, "is named for a number that stands for a person or a case", column.rows)
    if found := column.count(national_numbers.is_certain):
        return Hit(CODE, "has values in the form of a national identity number", found)
    if column.rows >= 3 and column.share(national_numbers.is_likely) >= 0.9:
        return Hit(CODE, "has values in the form of a national identity number", column.rows)
    if found := column.count(lambda value: _PATHOLOGY_CASE.fullmatch(value) or _LABELLED.search(value)):
        return Hit(CODE, "has values in the form of a pathology case or record number", found)
    if _is_long_and_unique(column):
        return Hit(CODE, "has long numbers that differ from row to row, as record numbers do", column.rows)
    return None


def _is_long_and_unique(column: Column) -> bool:
    values = list(column.counts)
    return (
        column.once >= 3
        and len(values) / column.once >= 0.9
        and not _MEASURE.search(column.words)
        and all(value.isdigit() and len(value) in _MEDICAL_NUMBER_DIGITS for value in values)
        and (len({len(value) for value in values}) == 1 or any(value.startswith("0") for value in values))
    )
