"""Writing a whole folder or nothing: new files are prepared aside, moved in at the end, and moved out on failure."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath

from midge.runtime.errors import InputError


class Replacement:
    """One replacement of a folder's generated files; use as a context manager.

    Write the new files into `staging`, then call `install`. If the block ends with an exception, everything is as it
    was before: also what the block wrote into `directory` after `install`, below the paths in `stale`.
    """

    def __init__(self, directory: Path, stale: tuple[str, ...], last: str) -> None:
        """Prepare to replace.

        Args:
            directory: the folder to fill; it and its parents are made where they are missing.
            stale: files and folders in it that the new content replaces, as relative POSIX paths; missing ones are
                ignored.
            last: the file that makes the folder recognisable; replaced last.
        """
        self._directory = directory
        self._stale = tuple(path for path in stale if _is_inside(path) and path != last)
        self._last = last
        self._created: list[Path] = []
        self._cleared: list[Path] = []
        self._installed: list[Path] = []
        self._moved: list[tuple[Path, Path]] = []

    def __enter__(self) -> Replacement:
        """Make the staging folder, beside `directory` so that moving is renaming.

        Raises:
            InputError: the place cannot be written to.
        """
        try:
            self._make_folder(self._directory)
            # Inside the folder itself: its parent may be read-only, and another file system is ruled out.
            self._scratch = Path(tempfile.mkdtemp(prefix=".midge-", dir=self._directory))
        except OSError as error:
            self._remove_created()
            raise InputError(
                f"cannot write to {self._directory}: {error.strerror}; choose another output folder"
            ) from None
        self.staging = self._scratch / "new"
        self.staging.mkdir()
        return self

    def install(self) -> None:
        """Move the stale files out and the staged files in."""
        for name in self._stale:
            self._set_aside(self._directory / name)
            self._cleared.append(self._directory / name)
        staged = [path.relative_to(self.staging) for path in self.staging.rglob("*") if path.is_file()]
        for path in sorted(staged, key=lambda path: (path.as_posix() == self._last, path)):
            target = self._directory / path
            self._make_folder(target.parent)
            self._set_aside(target)
            self._installed.append(target)
            (self.staging / path).replace(target)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Clean up; after an exception, first put everything back."""
        if kind is not None:
            for path in reversed(self._installed):
                path.unlink(missing_ok=True)
            for path in self._cleared:
                _remove(path)
            for original, aside in reversed(self._moved):
                if aside.exists():
                    aside.replace(original)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._remove_created()

    def _set_aside(self, path: Path) -> None:
        if path.exists() or path.is_symlink():
            aside = self._scratch / f"old{len(self._moved)}"
            self._moved.append((path, aside))
            path.replace(aside)

    def _make_folder(self, path: Path) -> None:
        missing = []
        while not path.exists():
            missing.append(path)
            path = path.parent
        for folder in reversed(missing):
            folder.mkdir()
            self._created.append(folder)

    def _remove_created(self) -> None:
        """Remove the folders made that have nothing in them."""
        for folder in reversed(self._created):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and pure.parts != ()
