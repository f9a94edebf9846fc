"""HUGO symbols and UniProt accessions for the names that labs give their channels. Works offline."""
