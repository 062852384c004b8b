"""The commands, by what they are about; `percolyte.cli` puts them together."""
