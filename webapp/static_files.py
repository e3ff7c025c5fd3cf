"""Static files: named by their content's hash, compressed, sent in pieces."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

from webapp.streaming import pieces


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # untyped
    """Names files by their hash, in ES modules' imports too, and keeps a compressed copy."""

    support_js_module_import_aggregation = True


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc] # untyped
    """WhiteNoise under ASGI: Django would read a file object wholly into memory."""

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:  # Any: untyped
        """Answer with the file, or with 304 or 206 as the request's headers ask."""
        found = static_file.get_response(request.method, request.META)
        body = pieces(found.file) if found.file is not None else iter(())
        response = StreamingHttpResponse(body, status=int(found.status))
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
