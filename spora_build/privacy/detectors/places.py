"""Where somebody lives or was born: addresses, postcodes, towns, coordinates on the globe."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-004"

_NAMED = Expression(
    r"_(address|addresses|adresse|anschrift|strasse|street|hausnummer|indirizzo|direccion|domicilio|domicile|calle|rue|wohnort"
    r"|wohnadresse|city|cities|town|ville|citta|ciudad|stadt|gemeinde|commune|comune|municipio|municipality|village|suburb|county"
    r"|district|bezirk|kreis|landkreis|residence|residenz|residenza|residencia|latitude|longitude|lat_lon|gps|geolocation|geocode"
    r"|geburtsort|herkunftsort|birthplace|hometown|zip|zipcode|zip_code|postcode|post_code|postal_code|postal|plz|postleitzahl"
    r"|code_postal|codigo_postal|codice_postale|neighbourhood_name|census_tract|census_block|quartier|provincia_residenza"
    r"|localite|localita|localidad|poblacion|heimatort|wohnsitz|burgerort|heimatadresse|adr|cp_ville|code_commune|departement_residence"
    r"|gateadresse|gatuadress|bostadsadress|bopel|bosted|bostedsadresse|bostadsort|hemort|hjemsted|kommun|kommune|poststed|postort"
    r"|adress|adresses|postnummer|postnr|fodested|fodelseort|paikkakunta|kotikunta|osoite|katuosoite|lahiosoite|postinumero"
    r"|syntymapaikka|woonplaats|adres|straat|huisnummer|gemeente|geboorteplaats|morada|endereco|cidade|concelho|localidade|cep"
    r"|miasto|ulica|kod_pocztowy|hemkommun|bostedskommune)_"
    r"|gemeinde_|_(place|ort|lieu|luogo|lugar|city|town|stadt|ville)_(birth|geburt|naissance|naiss|nascita|nacimiento|nac|residence|death|deces)_"
    r"|_(birth|death)_(place|city|town)_|^_(ort|wohnen|via|home|location_patient|patient_location)_$"
    r"|_(home|patient|street)_(address|location)_"
)
_NOT_A_PLACE = Expression(r"_(block_distance|distance|metric)_")
_ITALIAN_OR_FRENCH_CODE = Expression(r"^_(cap|cp|codpostal)_$")
_FIVE_DIGITS = Expression(r"\d{5}")
_UK = Expression(r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}")
_CANADA = Expression(r"[ABCEGHJ-NPRSTVXY]\d[A-Z] \d[A-Z]\d")
_ZIP_PLUS_FOUR = Expression(r"\d{5}-\d{4}")
_STREET = Expression(
    r"\b\d+[a-z]?,?\s+([A-Z]\w+\s+){1,3}(street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|square)\b"
    r"|\b\w+(strasse|straße|str\.|weg|gasse|platz|allee)\s*\d+|\b\w+\s(strasse|straße)\s\d+"
    r"|\b\d+,?\s*(bis|ter)?\s+(rue|avenue|boulevard|chemin|impasse|quai)\s+\w"
    r"|\b[^\W\d_]{3,}(gata|gatan|gate|veien|vegen|vej|vägen|vagen|gade|katu|tie|straat|laan|plein|kade)\s+\d+\w?\b"
    r"|\b(via|viale|piazza|corso|vicolo)\s+[a-z' ]+,?\s*\d+|\b(calle|avenida|plaza|paseo)\s+[a-záéíóúñ' ]+,?\s*\d+",
    re.IGNORECASE,
)
_ON_THE_GLOBE = Expression(
    r"[-+]?[0-8]?\d\.\d{4,}°?\s*[NS]?\s*[,; ]\s*[-+]?(1[0-7]\d|\d?\d)\.\d{4,}°?\s*[EWO]?", re.IGNORECASE
)
_ON_THE_SLIDE = Expression(
    r"_(x|y|xy|centroid|position|pos|coord|coords|coordinates?|stage|pixel|um|px|mm|origin|offset)_"
)
_TOWN = Expression(r"(?<![\w.-])(CH-|D-|A-|F-|I-|E-)?\d{4,5} [A-ZÀ-Ý][a-zà-ÿ]{3,}([ -][A-ZÀ-Ýa-z][a-zà-ÿ]+)*")


def find(column: Column) -> Hit | None:
    """Columns named for a place of a person, and values that are an address or a postcode."""
    if column.is_boolean:
        return None
    if _NAMED.search(column.words) and not _NOT_A_PLACE.search(column.words):
        return Hit(CODE, "is named for an address, a postcode or a place smaller than a region", column.rows)
    if _ITALIAN_OR_FRENCH_CODE.search(column.words) and column.rows and column.share(_FIVE_DIGITS.fullmatch) >= 0.5:
        return Hit(CODE, "has postcodes", column.rows)
    if column.is_measured:
        return None
    may_be_of_a_pixel = column.table == "cells" or _ON_THE_SLIDE.search(column.words)
    if not may_be_of_a_pixel and (found := column.count(_ON_THE_GLOBE.fullmatch)):
        return Hit(CODE, "has coordinates on the globe", found)
    if found := column.count(_is_place):
        return Hit(CODE, "has values in the form of an address or postcode", found)
    return None


def _is_place(text: str) -> bool:
    whole = any(pattern.fullmatch(text) for pattern in (_UK, _CANADA, _ZIP_PLUS_FOUR, _TOWN))
    return whole or _STREET.search(text) is not None
