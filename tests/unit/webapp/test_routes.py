"""Every address is closed to who is not signed in, but for those named here."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# What a stranger may open: the door itself, and the sign of life.
OPEN = {
    "healthz",
    "account_login",
    "account_signup",
    "account_logout",
    "account_inactive",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
}


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern.name or ""


def address(route: str) -> str:
    for kind, value in (("uuid", str(uuid4())), ("int", "1"), ("str", "x")):
        while f"<{kind}:" in route:
            start = route.index(f"<{kind}:")
            route = route[:start] + value + route[route.index(">", start) + 1 :]
    return "/" + route


CLOSED = [
    pytest.param(address(route), id=name)
    for route, name in routes(get_resolver().url_patterns)
    if name not in OPEN and "(?P" not in route
]


@pytest.mark.django_db
@pytest.mark.parametrize("url", CLOSED)
def test_who_is_not_signed_in_is_sent_to_the_door(client: Client, url: str) -> None:
    for method in (client.get, client.post):
        answer = method(url)

        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.django_db
def test_the_sign_of_life_is_open(client: Client) -> None:
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_pages_carry_the_security_headers(client: Client) -> None:
    headers = client.get("/accounts/login/").headers

    policy = {part.strip() for part in headers["Content-Security-Policy"].split(";")}
    assert {"default-src 'self'", "script-src 'self'", "frame-ancestors 'none'"} <= policy
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
