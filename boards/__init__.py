"""Boards: one strict TOML file each; `midge.runtime.board` reads them."""
