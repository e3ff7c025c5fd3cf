"""Downloads: by id, for the team, as an attachment, whole or in pieces."""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client
from django.urls import reverse

from tests.factories import ArtifactFileFactory, JobFactory
from webapp.accounts.models import User
from webapp.jobs.downloads import Span, UnsatisfiableRange, requested_span
from webapp.jobs.models import ArtifactFile
from webapp.teams.models import Team

CONTENT = bytes(range(256)) * 4
Fetch = Callable[..., Awaitable[tuple[int, dict[str, str], bytes]]]


@pytest.fixture
def artifact(ada: User, team: Team) -> ArtifactFile:
    return ArtifactFileFactory(
        job=JobFactory(team=team, owner=ada, succeeded=True),
        content=CONTENT,
        name="weights.safetensors",
        media_type="application/octet-stream",
    )


@pytest.fixture
def fetch(ben: User, artifact: ArtifactFile) -> Fetch:
    async def fetch(**headers: str) -> tuple[int, dict[str, str], bytes]:
        client = AsyncClient()
        await client.aforce_login(ben)
        response = await client.get(
            reverse("downloads:file", args=[artifact.pk]),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )
        body = (
            b"".join([piece async for piece in response])
            if response.streaming
            else response.content
        )
        return response.status_code, dict(response.headers), body

    return fetch


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
class TestFetching:
    async def test_a_file_comes_whole_with_its_hash(self, fetch: Fetch) -> None:
        status, headers, body = await fetch()

        digest = hashlib.sha256(CONTENT)
        assert (status, body) == (200, CONTENT)
        assert headers["Content-Length"] == "1024"
        assert headers["ETag"] == f'"{digest.hexdigest()}"'
        assert headers["Repr-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"

    async def test_a_browser_saves_it_and_runs_nothing(self, fetch: Fetch) -> None:
        _, headers, _ = await fetch()

        assert headers["Content-Disposition"] == 'attachment; filename="weights.safetensors"'
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"] == "sandbox; default-src 'none'"

    async def test_a_broken_download_goes_on_where_it_stopped(self, fetch: Fetch) -> None:
        status, headers, body = await fetch(range="bytes=1000-")

        assert (status, body) == (206, CONTENT[1000:])
        assert headers["Content-Range"] == "bytes 1000-1023/1024"
        assert headers["Content-Length"] == "24"

    async def test_a_range_past_the_end_is_refused_with_the_size(self, fetch: Fetch) -> None:
        status, headers, _ = await fetch(range="bytes=1024-")

        assert status == 416
        assert headers["Content-Range"] == "bytes */1024"

    async def test_an_old_copy_of_other_content_is_not_continued(self, fetch: Fetch) -> None:
        status, _, body = await fetch(range="bytes=1000-", if_range='"another"')

        assert (status, body) == (200, CONTENT)

    async def test_what_the_browser_has_is_not_sent_again(
        self, fetch: Fetch, artifact: ArtifactFile
    ) -> None:
        status, _, body = await fetch(if_none_match=f'"{artifact.sha256}"')

        assert (status, body) == (304, b"")


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", None),
        ("bytes=0-9", Span(0, 9)),
        ("bytes=5-", Span(5, 99)),
        ("bytes=-10", Span(90, 99)),
        ("bytes=-1000", Span(0, 99)),
        ("bytes=90-1000", Span(90, 99)),
        ("bytes=99-99", Span(99, 99)),
        ("bytes=9-5", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-5", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range_header_means_a_piece_or_the_whole(header: str, span: Span | None) -> None:
    assert requested_span(header, 100) == span


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=100-", 100), ("bytes=-0", 100), ("bytes=0-", 0)]
)
def test_a_range_with_nothing_in_it_cannot_be_satisfied(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRange):
        requested_span(header, size)


def test_a_stranger_gets_the_same_answer_as_for_a_file_that_is_not(
    client: Client, cleo: User, ben: User, artifact: ArtifactFile
) -> None:
    addresses = [reverse("downloads:file", args=[pk]) for pk in (artifact.pk, uuid4())]
    client.force_login(cleo)
    refused = [client.get(address) for address in addresses]
    client.force_login(ben)

    assert [answer.status_code for answer in refused] == [404, 404]
    assert client.head(addresses[0]).status_code == 200


def test_who_is_not_signed_in_is_sent_to_the_door(client: Client, artifact: ArtifactFile) -> None:
    answer = client.get(reverse("downloads:file", args=[artifact.pk]))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "%2e%2e/secret-key", "..%2f..%2fsecret-key", "\x00", "policy.json", "/"],
)
def test_a_path_is_no_address_of_a_file(client: Client, ada: User, path: str) -> None:
    client.force_login(ada)

    assert client.get(f"/files/{path}/").status_code == 404


def test_only_reading_is_answered(client: Client, ben: User, artifact: ArtifactFile) -> None:
    client.force_login(ben)

    assert client.post(reverse("downloads:file", args=[artifact.pk])).status_code == 405


@pytest.mark.parametrize("name", ['a"b.json', "ü.json", "a\r\nSet-Cookie: x.json"])
def test_a_file_name_cannot_write_headers(client: Client, ada: User, team: Team, name: str) -> None:
    artifact = ArtifactFileFactory(job=JobFactory(team=team, owner=ada, succeeded=True), name=name)
    client.force_login(ada)

    answer = client.head(reverse("downloads:file", args=[artifact.pk]))

    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith("attachment; filename")
    assert "Set-Cookie" not in answer.headers
