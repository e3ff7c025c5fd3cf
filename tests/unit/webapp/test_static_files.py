"""Static files: hashed, compressed, in pieces; libraries out of the installed packages."""

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test import AsyncClient
from pytest_django import Settings

from webapp import preparation
from webapp.vendor_files import VendorFinder


@pytest.fixture
def source(settings: Settings, tmp_path: Path) -> Path:
    """Two scripts, one importing the other, as the whole of the product's static files."""
    source = tmp_path / "source"
    (source / "js").mkdir(parents=True)
    (source / "js" / "page.js").write_text('import { one } from "./part.js";\nexport { one };\n')
    (source / "js" / "part.js").write_text("export const one = 1;\n" + "// filler\n" * 100)
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "webapp.static_files.HashedStaticFilesStorage"},
    }
    finders.get_finder.cache_clear()
    return source


def test_a_module_imports_the_hashed_name_of_another(source: Path, settings: Settings) -> None:
    call_command("collectstatic", verbosity=0, interactive=False)

    pages = list(Path(settings.STATIC_ROOT).glob("js/page.*.js"))
    parts = list(Path(settings.STATIC_ROOT).glob("js/part.*.js"))
    assert len(pages) == len(parts) == 1
    assert f'from "./{parts[0].name}";' in pages[0].read_text()
    assert parts[0].with_name(parts[0].name + ".gz").exists()


def test_files_are_collected_again_only_when_one_changed(source: Path, settings: Settings) -> None:
    preparation.collect_static()
    marker = Path(settings.STATIC_ROOT) / "marker"
    marker.write_text("a second collection would clear this away")

    preparation.collect_static()
    kept = marker.exists()
    (source / "js" / "part.js").write_text("export const one = 2;\n")
    preparation.collect_static()

    assert (kept, marker.exists()) == (True, False)


@pytest.mark.asyncio
async def test_a_file_is_sent_in_pieces_and_once(source: Path) -> None:
    preparation.collect_static()

    answer = await AsyncClient().get("/static/js/part.js")
    body = b"".join([piece async for piece in answer])
    again = await AsyncClient().get(
        "/static/js/part.js", headers={"If-None-Match": answer.headers["ETag"]}
    )

    assert (answer.status_code, body) == (200, (source / "js" / "part.js").read_bytes())
    assert again.status_code == 304


@pytest.mark.asyncio
async def test_a_compressed_copy_is_sent_to_who_takes_it(source: Path) -> None:
    preparation.collect_static()

    answer = await AsyncClient().get("/static/js/part.js", headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Content-Encoding"] == "gzip"


def test_libraries_are_found_where_they_are_installed(settings: Settings) -> None:
    finder = VendorFinder()

    found = {name: finder.find(name) for name in settings.VENDOR_FILES}

    assert finder.check() == []
    assert all(Path(path).is_file() for path in found.values())
    assert "site-packages" in found["vendor/plotly/plotly.min.js"]


def test_other_files_of_those_packages_are_not_served() -> None:
    assert VendorFinder().find("vendor/plotly/widgetbundle.js") == []


def test_an_absent_library_is_reported_by_name(settings: Settings) -> None:
    settings.VENDOR_FILES = {"vendor/x.js": Path("/no/such/x.js")}

    (error,) = VendorFinder().check()

    assert "/no/such/x.js" in error.msg
