"""Serial numbers of implants, instruments and vehicles, and pictures of people."""

from __future__ import annotations

import re

from spora_build.privacy.column import Column
from spora_build.privacy.expression import Expression
from spora_build.privacy.hit import Hit

CODE = "E-PRIV-009"

_NAMED = Expression(
    r"_(serial|serials|serial_number|serial_no|seriennummer|seriennr|numero_serie|matricola|matricule|udi|asset_tag|imei)_"
    r"|_(device|implant|pacemaker|prosthesis|instrument|scanner|microscope|camera|machine|gerate|appareil|dispositivo)"
    r"_(id|ids|serial|number|no|nr|nummer|identifier|sn)_"
    r"|_(license_plate|licence_plate|plate_number_car|kennzeichen|vin|fingerprint|biometric|biometrics|photo|photograph"
    r"|face_image|portrait)_|geratenummer_"
)
_NOT_A_DEVICE = Expression(r"_(section|sections|dilution|slice|slices|cut)_")
_SERIAL = Expression(r"(?<!\w)S/?N[\s:.#-]*\w*\d{4,}|(?<!\w)serial[\s:.#no-]*\w*\d{4,}", re.IGNORECASE)


def find(column: Column) -> Hit | None:
    """Columns named for a serial number, and values that are labelled as one."""
    if column.is_boolean or column.is_measured:
        return None
    if _NAMED.search(column.words) and not _NOT_A_DEVICE.search(column.words):
        return Hit(CODE, "is named for a serial number or a picture of a person", column.rows)
    if found := column.count(_SERIAL.search):
        return Hit(CODE, "has serial numbers", found)
    return None
