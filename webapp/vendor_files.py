"""The browser's libraries, served out of the installed packages: no copy lies in the repository."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.files.storage import FileSystemStorage


class VendorFinder(BaseFinder):
    """Finds the files of `settings.VENDOR_FILES`, and no others of those packages."""

    def check(self, **_kwargs: Any) -> list[CheckMessage]:  # Any: of Django's check framework
        """Report files that the installed packages lack."""
        return [
            CheckError(f"{path} is not there: reinstall requirements.txt", id="bespoke.E001")
            for path in _files().values()
            if not path.is_file()
        ]

    def find(self, path: str, find_all: bool = False, **_kwargs: Any) -> Any:  # Any: str or list
        """Return where a file lies; Django's convention is [] where it is not found."""
        found = _files().get(path)
        if found is None:
            return []
        return [str(found)] if find_all else str(found)

    def list(
        self, ignore_patterns: Iterable[str] | None
    ) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield each file's name and a storage that has it."""
        for name, path in _files().items():
            if not matches_patterns(path.name, list(ignore_patterns or ())):
                storage = FileSystemStorage(location=path.parent)
                storage.prefix = name.rpartition("/")[0]  # type: ignore[attr-defined] # read by Django
                yield path.name, storage


def _files() -> dict[str, Path]:
    return {name: Path(path) for name, path in settings.VENDOR_FILES.items()}
