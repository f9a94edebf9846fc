"""The contributor's raw folder: sheets, panels, clinical table, settings."""
