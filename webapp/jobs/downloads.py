"""A run's files, by id, never by a path from outside; Range requests resume a broken download."""

import base64
import re
from typing import NamedTuple
from uuid import UUID

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from webapp.jobs import queries
from webapp.jobs.models import ArtifactFile
from webapp.streaming import pieces

_RANGE = re.compile(r"^bytes=(?P<first>\d*)-(?P<last>\d*)$")


class Span(NamedTuple):
    """A piece of a file, from its first byte to its last, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self.last - self.first + 1


class UnsatisfiableRange(Exception):
    """A range that begins past the file's end."""


@require_safe
def file(request: HttpRequest, artifact_id: UUID) -> HttpResponseBase:
    """Send a file of a job that the person may see, as an attachment."""
    artifact = get_object_or_404(
        ArtifactFile, pk=artifact_id, job__in=queries.visible_to(request.user)
    )
    etag = f'"{artifact.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return _with_headers(HttpResponse(status=304), artifact)
    # An old copy of another content must not be continued: If-Range asks for the whole then.
    resumes = request.headers.get("If-Range", etag) == etag
    try:
        span = requested_span(request.headers.get("Range", "") if resumes else "", artifact.size)
    except UnsatisfiableRange:
        refusal = HttpResponse(status=416, headers={"Content-Range": f"bytes */{artifact.size}"})
        return _with_headers(refusal, artifact)
    return _with_headers(_content(request, artifact, span), artifact)


urlpatterns = [path("<uuid:artifact_id>/", file, name="file")]


def requested_span(header: str, size: int) -> Span | None:
    """Return the piece that a Range header asks for; None: the whole file.

    A header that is not understood, several ranges included, counts as none (RFC 9110, 14.2).

    Raises:
        UnsatisfiableRange: nothing of the file lies in the range.
    """
    match = _RANGE.match(header.strip())
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:  # the last so many bytes
        first, last = max(0, size - int(match["last"])), size - 1
    else:
        first = int(match["first"])
        last = min(int(match["last"]), size - 1) if match["last"] else size - 1
        if match["last"] and int(match["last"]) < first:
            return None
    if first > last:
        raise UnsatisfiableRange
    return Span(first, last)


def _content(request: HttpRequest, artifact: ArtifactFile, span: Span | None) -> HttpResponseBase:
    whole = Span(0, artifact.size - 1)
    sent = span or whole
    response: HttpResponseBase
    if request.method == "HEAD":
        response = HttpResponse()
    else:
        stored = default_storage.open(artifact.storage_name, "rb")
        stored.seek(sent.first)
        response = StreamingHttpResponse(pieces(stored, length=sent.length))
    response["Content-Length"] = str(sent.length)
    if span is not None:
        response.status_code = 206
        response["Content-Range"] = f"bytes {span.first}-{span.last}/{artifact.size}"
    return response


def _with_headers(response: HttpResponseBase, artifact: ArtifactFile) -> HttpResponseBase:
    digest = base64.b64encode(bytes.fromhex(artifact.sha256)).decode("ascii")
    response["Content-Type"] = artifact.media_type
    response["Content-Disposition"] = content_disposition_header(True, artifact.name) or ""
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{artifact.sha256}"'
    response["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530
    response["Cache-Control"] = "private, no-cache"
    # Should a browser show it after all, it runs nothing.
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
