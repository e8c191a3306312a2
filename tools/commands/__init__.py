"""One file per command; `midge.tools.cli` lists them."""
