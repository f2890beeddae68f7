"""Forms without a page of their own: signing in, signing out, marking an alert as read."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from adaf.alerts import writes as alerts
from adaf.auth import reads as auth
from adaf.auth.guards import public, signed_in
from adaf.auth.models import Credentials
from adaf.auth.sign_in import session_cookie
from adaf.parameters import Id
from adaf.problem import NotSignedIn, TooManyRequests
from adaf.request import Request
from adaf.web.pages import Html
from adaf.web.templating import html

WRONG = "The e-mail address or the password is wrong."


@get("/sign-in", opt=public)
async def form(request: Request, next: FromQuery[str] = "/") -> Html | Redirect:
    """The sign-in form; somebody who is signed in goes on at once."""
    if await request.app.state.sessions.known(request.scope) is not None:
        return Redirect(local(next), status_code=303, headers=_UNKEPT)
    return _form(next)


@post("/sign-in", opt=public, status_code=200)
async def sign_in(request: Request) -> Html | Redirect:
    """Open a session and go on to `next`; or the form again with the reason (401, 429)."""
    typed = await request.form()
    destination, email = str(typed.get("next") or "/"), str(typed.get("email") or "")
    try:
        credentials = msgspec.convert(
            {"email": email, "password": str(typed.get("password") or "")}, Credentials
        )
        admitted = await request.app.state.gate.admit(request, credentials)
    except (msgspec.ValidationError, NotSignedIn):
        return _form(destination, email=email, problem=WRONG, status=401)
    except TooManyRequests as refusal:
        return _form(destination, email=email, problem=refusal.detail, status=429, headers=refusal.headers)
    return Redirect(
        local(destination),
        status_code=303,
        cookies=[session_cookie(request, admitted.token)],
        headers=_UNKEPT,
    )


@get("/panels/account", opt=signed_in)
async def account(request: Request) -> Html:
    """Who is signed in, for the header of pages that are the same for all."""
    return html("account.html", user=await auth.user(request.db, request.user_id))


@post("/sign-out", opt=signed_in, status_code=303)
async def sign_out(request: Request) -> Redirect:
    """End the session, everywhere at once."""
    await request.app.state.sessions.close(request.scope)
    return Redirect("/sign-in", status_code=303, cookies=[session_cookie(request, "")], headers=_UNKEPT)


@post("/alerts/{alert_id:int}/read", opt=signed_in, status_code=303)
async def mark_alert(request: Request, alert_id: Id) -> Redirect:
    """Mark one alert as read, and back to the page with the form."""
    back = str((await request.form()).get("next") or "/")
    await alerts.mark_read(request.db, request.user_id, alert_id)
    return Redirect(local(back), status_code=303, headers=_UNKEPT)


def local(destination: str) -> str:
    """`destination` when it is a page of ours, else the overview: a sign-in never leads elsewhere."""
    safe = destination.startswith("/") and not destination.startswith(("//", "/\\", "/api/", "/panels/"))
    return quote(destination, safe="/?=&%:-_.~+,") if safe and destination.isprintable() else "/"


def _form(
    destination: str,
    *,
    email: str = "",
    problem: str = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Html:
    return html(
        "sign_in.html",
        status=status,
        headers={**_UNKEPT, **(headers or {})},
        next=local(destination),
        email=email[:254],
        problem=problem,
    )


_UNKEPT = {"Cache-Control": "no-store"}

routes = [form, account, sign_in, sign_out, mark_alert]
