"""Files that a command writes: checked before the work, written whole at the end, or not at all."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from midge.runtime.errors import InputError
from midge.tools import log

STANDARD_OUTPUT = Path("-")


class Outputs:
    """The output files of one command; a context manager.

    Name every output before the long work begins, then stage contents with `write`: they come into being when the
    block ends without an error, and otherwise nothing does. `publish` brings out what is staged so far, for a command
    whose answer is "no" but which has a result to write.
    """

    def __init__(self, inputs: Iterable[Path | None] = ()) -> None:
        """Remember the command's input files, which no output may be."""
        self._inputs = [path for path in inputs if path is not None]
        self._outputs: dict[Path, str] = {}
        self._staged: dict[Path, Path] = {}

    def __enter__(self) -> Outputs:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish after success; leave nothing behind after an error."""
        if kind is None:
            self.publish()
        for staged in self._staged.values():
            staged.unlink(missing_ok=True)

    def add(self, option: str, path: Path | None) -> None:
        """Check that `path`, as given with `option`, can be written.

        Raises:
            InputError: it is one of the inputs, another output, a folder, or in a folder that does not exist.
        """
        if path is None or path == STANDARD_OUTPUT:
            return
        for source in self._inputs:
            if _same(path, source) or _is_inside(path, source):
                raise InputError(f"{option} {path}: this is an input, which would be overwritten; name another file")
        for other, its_option in self._outputs.items():
            if _same(path, other):
                raise InputError(f"{option} {path}: {its_option} writes there too; name another file")
        if path.is_dir():
            raise InputError(f"{option} {path}: expected a file to write, found a folder")
        if not path.absolute().parent.is_dir():
            raise InputError(f"{option} {path}: the folder {path.parent} does not exist; make it first")
        self._outputs[path] = option

    def write(self, path: Path | None, content: bytes) -> None:
        """Stage the content of a file named before; `-` prints it when published.

        Raises:
            InputError: the folder cannot be written to.
        """
        if path is None:
            return
        try:
            if path == STANDARD_OUTPUT or (path.exists() and not path.is_file()):  # a pipe or a device
                with tempfile.NamedTemporaryFile(prefix="midge-", delete=False) as stream:
                    self._staged[path] = Path(stream.name)
                    stream.write(content)
                return
            with tempfile.NamedTemporaryFile(prefix=".midge-", dir=path.absolute().parent, delete=False) as stream:
                self._staged[path] = Path(stream.name)
                stream.write(content)
        except OSError as error:
            raise _cannot_write(path, error) from None

    def write_json(self, path: Path | None, document: dict[str, Any]) -> None:
        """Stage a JSON document."""
        if path is not None:
            self.write(path, (json.dumps(document, indent=2, allow_nan=False) + "\n").encode())

    def publish(self) -> None:
        """Move everything staged to its place.

        Raises:
            InputError: a file cannot be written.
        """
        for path, staged in list(self._staged.items()):
            try:
                if path == STANDARD_OUTPUT:
                    log.write_result(staged.read_text(encoding="utf-8"))
                elif path.exists() and not path.is_file():
                    path.write_bytes(staged.read_bytes())
                else:
                    _take_over_mode(staged, path)
                    staged.replace(path.resolve())
            except OSError as error:
                raise _cannot_write(path, error) from None
            staged.unlink(missing_ok=True)
            del self._staged[path]


def check_folder(option: str, folder: Path, inputs: Iterable[Path | None]) -> None:
    """Check that a folder to write into is none of the inputs.

    Raises:
        InputError: it is.
    """
    for source in inputs:
        if source is not None and _same(folder, source):
            raise InputError(f"{option} {folder}: this is an input; name a folder to write into")


def _same(one: Path, other: Path) -> bool:
    with suppress(OSError):
        if one.samefile(other):
            return True
    return one.absolute() == other.absolute() or one.resolve() == other.resolve()


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether an output would land in an input that is a folder, such as a SavedModel."""
    return folder.is_dir() and path.resolve().is_relative_to(folder.resolve()) and path.exists()


def _take_over_mode(staged: Path, path: Path) -> None:
    """Give the file the permissions that it would have had without the detour."""
    if path.exists():
        staged.chmod(path.stat().st_mode & 0o777)
        return
    probe = staged.with_name(staged.name + "x")
    probe.touch()
    staged.chmod(probe.stat().st_mode & 0o777)
    probe.unlink()


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(f"cannot write {path}: {error.strerror or error}")
