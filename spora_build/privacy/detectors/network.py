"""Addresses of machines and files: URL, IP, MAC, absolute paths with user names in them."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-005"

_NAMED = Expression(
    r"_(ip_address|ip_addr|ipv_?4|ipv_?6|url|urls|uri|website|homepage|web_page|hostname|host_name|computer_name|login"
    r"|user_?id|user_?name|username|twitter|facebook|linkedin|social_media|orcid|file_?path|filepath|folder|ordner|verzeichnis|directory|image_path|path_file"
    r"|source_path|adresse_ip|indirizzo_ip|direccion_ip|workstation|arbeitsplatz|rechner|rechnername|server|benutzername|benutzer|utilisateur|utente|usuario)_|^_(path|link|user)_$"
)
_URL = Expression(r"(?<!\w)[a-z][a-z0-9+.-]{1,9}://\S+|(?<!\w)www\.\S+", re.IGNORECASE)
_PUBLIC_URL = Expression(
    r"https?://((dx\.)?doi\.org|purl\.obolibrary\.org|identifiers\.org|(www\.)?uniprot\.org|(www\.)?ebi\.ac\.uk"
    r"|(www\.)?ncbi\.nlm\.nih\.gov)/\S*",
    re.IGNORECASE,
)
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_IPV4 = Expression(rf"(?<![\d.]){_OCTET}(\.{_OCTET}){{3}}(?![\d.])")
_IPV6 = Expression(
    r"(?<![\w:])([0-9a-f]{1,4}:){3,7}(:?[0-9a-f]{1,4})(?![\w:])|(?<![\w:])[0-9a-f]{1,4}::[0-9a-f:]+(?!\w)", re.I
)
_MAC = Expression(r"(?<![\w:-])([0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])", re.IGNORECASE)
_ABSOLUTE_PATH = Expression(
    r"(?<!\w)[A-Za-z]:[\\/]\S|^\\\\\w|(?<![\w.])/(home|users|mnt|data|media|volumes|srv|scratch)/", re.I
)
_FILE = Expression(
    r".*[^\W_].*\.(svs|ndpi|scn|czi|bif|mrxs|vsi|lif|nd2|mcd|qptiff|tiff?|dcm|jpe?g|png|zarr|qpdata|docx?|xlsx?|pdf|csv|txt)",
    re.I,
)


def find(column: Column) -> Hit | None:
    """Columns named for such an address, and values that are one."""
    if column.is_boolean or column.is_measured:
        return None
    if _NAMED.search(column.words) and not column.is_numeric and column.share(_PUBLIC_URL.fullmatch) != 1:
        return Hit(CODE, "is named for a network address, a login or a path", column.rows)
    if found := column.count(_is_address):
        return Hit(CODE, "has network addresses or absolute paths", found)
    if found := column.count(_FILE.fullmatch):
        return Hit(CODE, "has names of files, which often carry identifiers", found)
    return None


def _is_address(text: str) -> bool:
    rest = _PUBLIC_URL.sub("", text)
    return any(pattern.search(rest) for pattern in (_URL, _IPV4, _MAC, _ABSOLUTE_PATH, _IPV6))
