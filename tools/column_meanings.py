"""What the columns of a dataset's tables mean; an empty table name stands for every table."""

from __future__ import annotations

TISSUES, CELLS, CHANNELS = "tissues.parquet", "cells.parquet", "channels.parquet"
TILES, TILE_STATS = "tile_coordinates.parquet", "tile_stats.parquet"
ENCODER = "label_encoder.parquet"

COLUMNS: dict[tuple[str, str], str] = {
    ("", "tissue_id"): "`dataset_patientid_specimenid`",
    (TISSUES, "dataset"): "the dataset's name",
    (TISSUES, "patient_id"): "eight lower-case letters, a [pseudonym](privacy.md)",
    (TISSUES, "specimen_id"): "`0000`, `0001`… within a patient, as text",
    (TISSUES, "modality"): "`he`, `imc`, `codex`, `cycif`, `mibi`, `ihc_<MARKER>`; one row per tissue and modality",
    (TISSUES, "alignment"): "`exact` or `no alignment`; null where there is one modality",
    (TISSUES, "mpp"): "native pixel size in µm",
    (CELLS, "cell_id"): "label in the instance mask",
    (CELLS, "area_um2"): "area in µm²",
    (CELLS, "centroid_row"): "centre in pixels of the finest instance mask",
    (CELLS, "centroid_col"): "the same, across",
    (CHANNELS, "channel_name"): "[the marker](markers.md): HUGO where one gene is meant",
    (CHANNELS, "qc_pass"): "false: empty in every tissue, or unusable by the panel",
    (CHANNELS, "uniprot_id"): "accession; empty text where there is none",
    (CHANNELS, "is_nuclear_marker"): "whether it stains the nucleus",
    (CHANNELS, "original_channel_name"): "as the raw file or the panel names it",
    (CHANNELS, "description"): "remarks of the panel",
    (ENCODER, "name"): "category",
    (ENCODER, "id"): "its number in the task's masks; 0 is background",
    (TILES, "tile_id"): "0…n−1 within a tissue, in the order of selection",
    (TILES, "row"): "upper left corner in pixels at this resolution",
    (TILES, "col"): "the same, across",
    (TILE_STATS, "mask_height"): "of the tissue mask, in pixels",
    (TILE_STATS, "mask_width"): "of the tissue mask, in pixels",
    (TILE_STATS, "tissue_mask_frac"): "share of the mask that is tissue",
    (TILE_STATS, "num_tiles"): "tiles chosen",
    (TILE_STATS, "coverage_ratio"): "share of the tissue that tiles cover",
    (TILE_STATS, "covered_valid_pixels"): "tissue pixels covered",
    (TILE_STATS, "total_valid_pixels"): "tissue pixels",
    (TILE_STATS, "candidate_count"): "places with enough tissue",
    (TILE_STATS, "stop_reason"): "why no further tile was chosen",
    (TILE_STATS, "tile_size"): "side in pixels",
    (TILE_STATS, "stride"): "step of the lattice of candidates in pixels",
    (TILE_STATS, "tolerance"): "largest share of background in a tile",
    (TILE_STATS, "coverage_goal"): "share of the tissue to cover before stopping",
    (TILE_STATS, "min_gain_ratio"): "smallest share of new tissue in a further tile",
    (TILE_STATS, "tiling_method"): "name of the strategy",
}
