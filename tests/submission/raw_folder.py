"""A good raw folder made by code, for tests that spoil one thing in it."""

from __future__ import annotations

from pathlib import Path

TISSUES = """image,patient,modality,series,tissue,biopsy,mpp,cell_mask,tissue_mask,split,alignment,Tumor Site
images/a_imc.tif,0017,IMC,,T1,B1,1.0,masks/a.tif,masks/a_tissue.png,train,exact,lung
images/a_he.tif,0017,H&E,,T1,B1,"0,5",,,train,exact,lung
images/b.mcd,0018,imc,0,T2,B2,,masks/b.tif,,test,,"node, left"
images/b.mcd,0018,imc,ROI_002,T3,B2,,,,test,,NA
"""
PANEL = """channel,marker,uniprot_id,is_nuclear_marker,qc_pass,keep,description,Clone
Ir191,Iridium,,yes,,1,DNA,
Er170,CD3E,P07766,no,true,x,,D7A6E
Nd143,CD45RO,p08575-4,Nein,,ja,,UCHL1
Ar80,,,,,0,,
"""
CLINICAL = """patient,Age,Sex,OS (months)
0017,061,f,12.5
0018,58,m,
"""
CELLS = """tissue,cell_id,Cell Type
T1,1,T cell
T1,2,tumor
T2,1,NA
"""
SETTINGS = """name = "smith2023novel"
mpp = ["native", 1.0]

[mpp_override]
imc = 1.0

[tiling]
sizes = [128]

[cells]
tasks = ["Cell Type"]

[privacy.columns]
"clinical.Age" = { cap = 89 }
"""
FILES = ("images/a_imc.tif", "images/a_he.tif", "images/b.mcd", "masks/a.tif", "masks/a_tissue.png", "masks/b.tif")


def make_raw_folder(root: Path) -> Path:
    """Write the folder; every sheet in it is right."""
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"II*\0")
    sheets = {
        "tissues.csv": TISSUES,
        "panel_imc.csv": PANEL,
        "clinical.csv": CLINICAL,
        "cells.csv": CELLS,
        "spora.toml": SETTINGS,
    }
    for name, text in sheets.items():
        (root / name).write_bytes(text.encode())
    return root
