"""What a Keras model's configuration, the JSON inside its file, must be cleared of before it is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from midge.runtime.errors import ConversionError

# Arguments that older versions of Keras wrote and Keras 3 refuses, with the one value that can be dropped unharmed.
LEGACY_ARGUMENTS: dict[tuple[str, str], Any] = {
    ("DepthwiseConv2D", "groups"): 1,
    ("DepthwiseConv1D", "groups"): 1,
    ("Conv2DTranspose", "groups"): 1,
    ("Conv1DTranspose", "groups"): 1,
    ("SimpleRNN", "time_major"): False,
    ("GRU", "time_major"): False,
    ("LSTM", "time_major"): False,
    ("RNN", "time_major"): False,
}


def drop_legacy_arguments(config: Any) -> Any:
    """Return a model's configuration without the arguments of `LEGACY_ARGUMENTS`, at any depth."""
    if isinstance(config, list):
        return [drop_legacy_arguments(item) for item in config]
    if not isinstance(config, dict):
        return config
    clean = {key: drop_legacy_arguments(value) for key, value in config.items()}
    inner = clean.get("config")
    if isinstance(inner, dict):
        for (class_name, argument), value in LEGACY_ARGUMENTS.items():
            if clean.get("class_name") == class_name and inner.get(argument, ...) == value:
                del inner[argument]
    return clean


def refuse_code(config: Any, path: Path) -> None:
    """Refuse Lambda layers and lambda functions: they are Python code inside the file, which loading would run.

    Raises:
        ConversionError: The configuration of the model at ``path`` holds one.
    """
    if isinstance(config, list):
        for item in config:
            refuse_code(item, path)
    elif isinstance(config, dict):
        if config.get("class_name") in ("Lambda", "__lambda__"):
            raise ConversionError(
                f"{path} holds a Lambda, which is code inside the file and is not run: replace it by a layer of "
                "Keras, or load the model yourself and pass it to midge.convert()"
            )
        for value in config.values():
            refuse_code(value, path)
