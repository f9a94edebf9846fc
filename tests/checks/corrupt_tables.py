"""Broken names and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.checks.build_dataset import CHANNELS, IHC_ONLY, IMC_ONLY, LACKING, NAME
from tests.checks.corruption import Corruption, cell, column, delete, rename, table, write

TISSUES = "metadata/tissues.parquet"
CELLS = "metadata/cells.parquet"
PANEL = "imc/channels.parquet"
MASKS = "segmentations/1_0mpp/cell_masks"
MATRIX = "imc/channels_per_tissue.parquet"


def rename_root(name: str):
    def apply(root: Path) -> Path:
        return root.rename(root.with_name(name))

    return apply


def one_modality(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["modality"] == "imc"]


C = Corruption
NAMES = [
    C("V001", "underscore in the dataset's name", rename_root("smith_2023_novel")),
    C("V001", "capital in the dataset's name", rename_root("Smith2023novel")),
    C("V002", "IMC in capitals", rename("imc", "IMC")),
    C("V002", "H&E in capitals", rename("he", "HE")),
    C("V002", "segmentation", rename("segmentations", "segmentation")),
    C("V002", "Tiling", rename("tiling", "Tiling")),
    C("V002", "a marker beside ihc", rename("ihc/ihc_CD3E", "ihc_CD3E")),
    C("V003", "a folder nobody knows", write("notes/a.txt")),
    C("V003", "a file nobody knows", write("crosswalk.csv")),
    C("V004", "an unfinished table", write("metadata/.cells.parquet.0123.building")),
    C("V005", "1mpp", rename("he/1_0mpp", "he/1mpp")),
    C("V005", "two decimals", rename("segmentations/1_0mpp", "segmentations/1_00mpp")),
    C("V005", "1_0MPP in capitals", rename("imc/1_0mpp", "imc/1_0MPP")),
    C("V005", "a resolution without mpp", rename("tiling/1_0mpp", "tiling/1_0")),
    C("V006", "another table in metadata", write("metadata/patients.parquet")),
    C("V006", "a text among resolutions", write("he/readme.txt")),
    C("V006", "a folder in a resolution", write("imc/1_0mpp/tmp/x")),
    C("V006", "another folder of masks", write("segmentations/1_0mpp/nuclei/x")),
    C("V007", "a file in ihc", write("ihc/.DS_Store")),
    C("V007", "a folder in ihc", write("ihc/CD8A/x")),
    C("V007", "a marker without images", write("ihc/ihc_CD8A/1_0mpp/images/x")),
    C("V008", "a task in capitals", rename(f"{MASKS}/cell_types", f"{MASKS}/CellTypes")),
    C("V009", "a column with dots", table(CELLS, lambda f: f.rename(columns={"cell_types": "X..spots"}))),
]

TISSUE_ROWS = [
    C("V101", "no tissues.parquet", delete(TISSUES)),
    C("V101", "no parquet", write(TISSUES, b"PAR1 damaged")),
    C("V101", "no rows", table(TISSUES, lambda f: f.iloc[:0])),
    C("V102", "tissue_id as the index", table(TISSUES, lambda f: f.set_index("tissue_id"))),
    C("V103", "no alignment", table(TISSUES, lambda f: f.drop(columns="alignment"))),
    C("V104", "specimen_id as a number", column(TISSUES, "specimen_id", lambda s: s.astype(int))),
    C("V105", "no patient", cell(TISSUES, 1, "patient_id", None)),
    C("V106", "nan as text", cell(TISSUES, 2, "grade", "nan")),
    C("V106", "nan as text after a space", cell(TISSUES, 2, "grade", " nan")),
    C("V107", "empty text", cell(TISSUES, 2, "grade", "")),
    C("V107", "None as text", cell(TISSUES, 2, "grade", "None")),
    C("V108", "a row twice", table(TISSUES, lambda f: pd.concat([f, f.iloc[:1]]))),
    C("V109", "a patient_id of digits", cell(TISSUES, 0, "patient_id", "12345678")),
    C("V109", "a patient_id too long", cell(TISSUES, 0, "patient_id", "abcdefghi")),
    C("V110", "a specimen_id of three digits", cell(TISSUES, 0, "specimen_id", "000")),
    C("V111", "another patient than the tissue_id's", cell(TISSUES, 0, "patient_id", "zzzzzzzz")),
    C("V112", "another dataset", cell(TISSUES, 0, "dataset", "jones2020other")),
    C("V112", "a renamed folder", rename_root("jones2020other")),
    C("V113", "no column dataset", table(TISSUES, lambda f: f.drop(columns="dataset"))),
    C("V114", "a gap among specimens", cell(TISSUES, 3, "specimen_id", "0004")),
    C("V115", "IMC in capitals", cell(TISSUES, 0, "modality", "IMC")),
    C("V115", "ihc without a marker", cell(TISSUES, 3, "modality", "ihc")),
    C("V116", "no folder he", delete("he")),
    C("V116", "no tissue masks at all", delete("segmentations")),
    C("V116", "no tiles at all", delete("tiling")),
    C("V116", "no standardization at all", delete("imc/1_0mpp/standardization")),
    C("V117", "another alignment", cell(TISSUES, 0, "alignment", "Exact")),
    C("V118", "null among several modalities", cell(TISSUES, 3, "alignment", None)),
    C("V118", "alignment of the only modality", table(TISSUES, one_modality)),
    C("V119", "another split", cell(TISSUES, 3, "split", "validation")),
    C("V120", "a patient in both splits", cell(TISSUES, 3, "split", "train")),
    C("V120", "a patient partly in a split", cell(TISSUES, 3, "split", None)),
    C("V123", "Train with a capital", cell(TISSUES, 0, "split", "Train")),
    C("V123", "split as a number", column(TISSUES, "split", [0, 0, 1, 1])),
    C("V121", "mpp as text", column(TISSUES, "mpp", "1.0")),
    C("V121", "mpp of zero", cell(TISSUES, 0, "mpp", 0.0)),
    C("V122", "an upsampled image", cell(TISSUES, 1, "mpp", 0.9)),
]

CELL_ROWS = [
    C("V201", "no cells.parquet", delete(CELLS)),
    C("V201", "no parquet", write(CELLS)),
    C("V202", "both as the index", table(CELLS, lambda f: f.set_index(["tissue_id", "cell_id"]), index=True)),
    C("V203", "cell_id as a float", column(CELLS, "cell_id", lambda s: s.astype(float))),
    C("V204", "no tissue", cell(CELLS, 3, "tissue_id", None)),
    C("V205", "a cell twice", cell(CELLS, 1, "cell_id", 1)),
    C("V206", "cell 0", cell(CELLS, 0, "cell_id", 0)),
    C("V207", "a cell of no tissue", cell(CELLS, 0, "tissue_id", f"{NAME}_zzzzzzzz_0000")),
    C("V208", "cells without a mask", delete(f"segmentations/1_0mpp/cell_masks/instances/{IMC_ONLY}.npz")),
    C("V209", "a mask without cells", table(CELLS, lambda f: f[f["tissue_id"] != IMC_ONLY])),
    C("V210", "nan as text", cell(CELLS, 2, "cell_types", "nan")),
    C("V211", "NA as text", cell(CELLS, 2, "cell_types", "NA")),
    C("V212", "lists in a column", table(CELLS, lambda f: f.assign(neighbours=[[1, 2]] * len(f)))),
]

CHANNEL_ROWS = [
    C("V301", "no channels.parquet", delete(PANEL)),
    C("V302", "no qc_pass", table(PANEL, lambda f: f.drop(columns="qc_pass"))),
    C("V303", "a name twice", cell(PANEL, 1, "channel_name", "CD68")),
    C("V303", "nan as a name", cell(PANEL, 1, "channel_name", "nan")),
    C("V303", "no name", cell(PANEL, 1, "channel_name", None)),
    C("V304", "qc_pass as text", column(PANEL, "qc_pass", "True")),
    C("V304", "qc_pass as a number", column(PANEL, "qc_pass", 1)),
    C("V304", "null in is_nuclear_marker", cell(PANEL, 1, "is_nuclear_marker", None)),
    C("V305", "no text in uniprot_id", column(PANEL, "uniprot_id", np.nan)),
    C("V306", "no accession", cell(PANEL, 1, "uniprot_id", "CD3E_HUMAN")),
    C("V306", "two accessions", cell(PANEL, 1, "uniprot_id", "P07766;P09693")),
    C("V307", "DAPI not nuclear", cell(PANEL, 0, "is_nuclear_marker", False)),
    C("V308", "no HUGO symbol", cell(PANEL, 1, "channel_name", "CD3-epsilon")),
    C("V309", "a space after the name", cell(PANEL, 1, "channel_name", "CD3E ")),
    C("V310", "an index", table(PANEL, lambda f: f.rename_axis("index"), index=True)),
    C("V321", "no matrix", delete(MATRIX)),
    C("V322", "tissue_id as a column", table(MATRIX, lambda f: f.reset_index())),
    C("V322", "a tissue twice", table(MATRIX, lambda f: pd.concat([f, f.iloc[:1]]))),
    C("V323", "another order", table(MATRIX, lambda f: f[CHANNELS[::-1]])),
    C("V323", "a channel less", table(MATRIX, lambda f: f[CHANNELS[:-1]])),
    C("V324", "ones and zeros", table(MATRIX, lambda f: f.astype(int))),
    C("V325", "no row of a tissue", table(MATRIX, lambda f: f.iloc[:1])),
    C("V326", "a row of another modality", table(MATRIX, lambda f: f.rename(index={IMC_ONLY: IHC_ONLY}))),
    C("V327", "a tissue without channels", table(MATRIX, lambda f: f.assign(**{c: [True, False] for c in CHANNELS}))),
    C("V328", "a channel of no tissue", column(MATRIX, LACKING, False)),
]

SHARED = [
    C("V802", "a registered tissue not aligned", cell(TISSUES, 0, "alignment", "no alignment")),
    C("V803", "rows of a tissue in two biopsies", cell(TISSUES, 1, "biopsy_id", "eeeeffff")),
    C("V804", "a biopsy of two patients", column(TISSUES, "biopsy_id", "aaaabbbb")),
    C("V901", "an accession the reader drops", cell(PANEL, 1, "uniprot_id", "A0A024RBG1")),
    C("V902", "nothing to load", column(PANEL, "uniprot_id", "")),
]

TABLE_CORRUPTIONS = [*NAMES, *TISSUE_ROWS, *CELL_ROWS, *CHANNEL_ROWS, *SHARED]
