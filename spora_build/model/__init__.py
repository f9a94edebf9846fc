"""The words of this house: frozen values without I/O."""
