"""What a foreign page must not do: name another host, or send a form here."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest
from starlette.datastructures import Headers

from celeriac.web.guard import hostname, same_origin
from lab.dashboard import INCIDENT, Dashboard

ACK = f"/incidents/{INCIDENT}/ack"
API_ACK = f"/api/v1{ACK}"


def ask(dashboard: Dashboard, method: str, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """One request with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", dashboard.port, timeout=10)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "192.168.0.7", ""])
@pytest.mark.parametrize("path", ["/", "/api/v1/pulse", "/healthz", "/static/celeriac.css"])
def test_a_foreign_host_is_refused_everywhere(trouble: Dashboard, host: str, path: str) -> None:
    status, headers, body = ask(trouble, "GET", path, Host=host)
    assert status == 403
    assert headers["content-type"] == "application/problem+json"
    assert "allowed_hosts" in json.loads(body)["detail"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8642", "[::1]:8642", "[::1]"])
def test_an_allowed_host_is_served_whatever_its_port(trouble: Dashboard, host: str) -> None:
    assert ask(trouble, "GET", "/", Host=host)[0] == 200


@pytest.mark.parametrize("path", [ACK, API_ACK])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:9"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {},
    ],
)
def test_a_post_from_elsewhere_is_refused_and_changes_nothing(
    trouble: Dashboard, path: str, headers: dict[str, str]
) -> None:
    status, _, body = ask(trouble, "POST", path, **headers)
    assert status == 403
    assert json.loads(body)["status"] == 403
    assert trouble.store.open_requests("acknowledge") == ()


def test_a_post_from_here_is_taken(trouble: Dashboard) -> None:
    status, headers, _ = ask(trouble, "POST", ACK, Sec_Fetch_Site="same-origin")
    assert (status, headers["location"]) == (303, f"/incidents/{INCIDENT}")
    assert ask(trouble, "POST", API_ACK, Origin=f"http://127.0.0.1:{trouble.port}")[0] == 202
    assert len(trouble.store.open_requests("acknowledge")) >= 1


def test_every_response_carries_the_security_headers(trouble: Dashboard) -> None:
    for path in ("/", "/api/v1/pulse", "/static/celeriac.js", "/nowhere", "/api/v1/nowhere"):
        headers = ask(trouble, "GET", path)[1]
        assert "script-src 'self'" in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path


@pytest.mark.chromium
def test_a_form_on_another_origin_cannot_acknowledge(trouble: Dashboard, browser: Any) -> None:
    page = browser.new_page()
    form = f'<form method="post" action="{trouble.url}{ACK}"><button>Win a prize</button></form>'
    page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://evil.example/")
    with page.expect_response(f"**{ACK}") as caught:
        page.get_by_role("button").click()
    assert caught.value.status == 403
    assert trouble.store.open_requests("acknowledge") == ()
    page.context.close()


def test_a_host_loses_its_port_and_nothing_else() -> None:
    assert [hostname(one) for one in ("A:80", "a", "[::1]:80", "[::1]", "a:b")] == ["a", "a", "[::1]", "[::1]", "a:b"]


def test_an_empty_host_matches_no_missing_origin() -> None:
    assert not same_origin(Headers({}), "")
