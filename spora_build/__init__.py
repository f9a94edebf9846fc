"""spora-build: turn a folder of raw spatial-proteomics images into a spora dataset."""

__version__ = "0.1.0"
