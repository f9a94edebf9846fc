"""The commands, one thin file each; the only place that knows rich."""
