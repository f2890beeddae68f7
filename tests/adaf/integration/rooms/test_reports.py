"""Asking for reports over the API: one request, one job; limits; files for their owner only."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adaf.metrics.families import new_recorder
from adaf.reports.clean_up import clean_up
from adaf.reports.document import document
from adaf.reports.making import make
from adaf.reports.models import Content, ReportRequest
from adaf.reports.writes import MOST_FILES, MOST_WAITING, request_report

OWNED = "SELECT id FROM portfolios WHERE owner_id = $1 ORDER BY id LIMIT 1"
JOBS = "SELECT count(*) FROM procrastinate.procrastinate_jobs"


@pytest.fixture
async def trader(dashboard: Any, user: Any) -> tuple[int, int]:
    """(user, one of their portfolios)."""
    user_id = await user("trader")
    return user_id, await dashboard.sql.fetchval(OWNED, user_id)


async def made(dashboard: Any, user_id: int, **asked: Any) -> dict[str, Any]:
    """A report that was asked for and made here, without a worker process."""
    report = await dashboard.post(user_id, "/api/reports", asked, 202)
    await make(dashboard.db, report["id"], is_last_attempt=True)
    found: dict[str, Any] = await dashboard.get(user_id, f"/api/reports/{report['id']}")
    return found


async def download(dashboard: Any, user_id: int, report_id: int) -> Any:
    path = f"/api/reports/{report_id}/download"
    return await dashboard.client.get(path, headers=await dashboard.headers(user_id))


async def rows_of(dashboard: Any, user_id: int, **asked: Any) -> list[dict[str, str]]:
    """The rows of a CSV report."""
    report = await made(dashboard, user_id, format="csv", **asked)
    answer = await download(dashboard, user_id, report["id"])
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_a_request_is_accepted_with_its_job(dashboard: Any, trader: Any) -> None:
    """202 with the queued report, its address, and one job that names it."""
    user_id, portfolio_id = trader
    answer = await dashboard.client.post(
        "/api/reports", json={"portfolio_id": portfolio_id}, headers=await dashboard.headers(user_id)
    )
    report = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/api/reports/{report['id']}"
    assert (report["status"], report["progress_percent"], report["format"]) == ("queued", 0, "pdf")
    assert (date.fromisoformat(report["until"]) - date.fromisoformat(report["since"])).days == 29
    job = await dashboard.sql.fetchrow("SELECT * FROM procrastinate.procrastinate_jobs")
    assert (job["queue_name"], job["task_name"]) == ("reports", "adaf.reports.make")
    assert job["args"] == f'{{"report_id": {report["id"]}}}'


async def test_a_rolled_back_request_leaves_no_job(dashboard: Any, trader: Any, monkeypatch: Any) -> None:
    """The job is part of the request's transaction: when that fails after queueing, neither is there."""
    user_id, portfolio_id = trader
    before = await dashboard.sql.fetchval("SELECT count(*) FROM reports")

    async def fails(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr("adaf.reports.writes.record", fails)
    with pytest.raises(LookupError):
        await request_report(dashboard.db, user_id, ReportRequest(portfolio_id=portfolio_id), new_recorder())
    assert await dashboard.sql.fetchval(JOBS) == 0
    assert await dashboard.sql.fetchval("SELECT count(*) FROM reports") == before


async def test_equal_requests_at_once_are_one_report(dashboard: Any, trader: Any) -> None:
    """A double click asks once; another period or format is another report."""
    user_id, portfolio_id = trader
    body = {"portfolio_id": portfolio_id, "kind": "performance"}
    found = await asyncio.gather(*(dashboard.post(user_id, "/api/reports", body, 202) for _ in range(5)))
    assert len({report["id"] for report in found}) == 1
    other = await dashboard.post(user_id, "/api/reports", {**body, "format": "csv"}, 202)
    assert other["id"] != found[0]["id"]
    assert await dashboard.sql.fetchval(JOBS) == 2


async def test_only_so_many_wait(dashboard: Any, trader: Any) -> None:
    """The queue of one user is bounded; the refusal says what to do."""
    user_id, portfolio_id = trader
    for day in range(1, MOST_WAITING + 1):
        body = {"portfolio_id": portfolio_id, "until": f"2026-09-{day:02}"}
        await dashboard.post(user_id, "/api/reports", body, 202)
    problem = await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 409)
    assert "waiting" in problem["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"portfolio_id": 2**62}, 404),
        ({"portfolio_id": 0}, 400),
        ({"kind": "tax"}, 400),
        ({"format": "xls"}, 400),
        ({"since": "2026-09-20", "until": "2026-09-10"}, 422),
        ({"since": "2020-01-01", "until": "2026-09-10"}, 422),
        ({"until": "2999-01-01"}, 422),
        ({"until": "0001-01-01"}, 422),
        ({"since": "yesterday"}, 400),
        ({"surprise": 1}, 400),
    ],
    ids=str,
)
async def test_what_can_not_be_reported_on_is_refused(
    dashboard: Any, trader: Any, change: dict[str, Any], status: int
) -> None:
    """A bad portfolio, kind, format or period is told in a sentence, and nothing is queued."""
    user_id, portfolio_id = trader
    await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id, **change}, status)
    assert await dashboard.sql.fetchval(JOBS) == 0


async def test_another_users_portfolio_is_not_there(dashboard: Any, trader: Any) -> None:
    """Nobody reports on a portfolio that is not theirs."""
    user_id, _ = trader
    foreign = await dashboard.sql.fetchval(
        "SELECT id FROM portfolios WHERE owner_id <> $1 ORDER BY id LIMIT 1", user_id
    )
    await dashboard.post(user_id, "/api/reports", {"portfolio_id": foreign}, 404)


async def test_a_statements_total_is_the_net_asset_value(dashboard: Any, trader: Any) -> None:
    """Positions at the prices of that time and cash add up to the value struck then, in a past period too."""
    user_id, portfolio_id = trader
    for until in ("2026-10-01", "2026-09-30"):
        rows = await rows_of(dashboard, user_id, portfolio_id=portfolio_id, until=until)
        *parts, total = rows
        nav = await dashboard.sql.fetchval(
            "SELECT nav FROM portfolio_data WHERE portfolio_id = $1 AND ts <= $2::date + 1"
            " ORDER BY ts DESC LIMIT 1",
            portfolio_id,
            date.fromisoformat(until),
        )
        assert total["name"] == "Total"
        assert sum(Decimal(row["value"]) for row in parts) == Decimal(total["value"])
        assert abs(Decimal(total["value"]) - nav) <= Decimal("0.01") * len(parts)
        assert len(parts) > 1


async def test_transactions_are_those_of_the_period(dashboard: Any, trader: Any) -> None:
    """Every trade of the period is there once, with its figures unrounded, and none of another day."""
    user_id, portfolio_id = trader
    asked = {"portfolio_id": portfolio_id, "since": "2026-09-29", "until": "2026-09-30"}
    rows = await rows_of(dashboard, user_id, kind="transactions", **asked)
    expected = await dashboard.sql.fetch(
        "SELECT quantity, price, fee FROM transactions WHERE portfolio_id = $1"
        " AND executed_at >= '2026-09-29Z' AND executed_at < '2026-10-01Z' ORDER BY executed_at, id",
        portfolio_id,
    )
    assert [(Decimal(r["quantity"]), Decimal(r["price"]), Decimal(r["fee"])) for r in rows] == [
        tuple(row) for row in expected
    ]
    assert rows


async def test_a_pdf_of_a_busy_portfolio_lists_the_last_and_sums_all(
    dashboard: Any, trader: Any, monkeypatch: Any
) -> None:
    """Who trades more than a PDF lists gets one, that says so; the CSV has every transaction."""
    user_id, portfolio_id = trader
    asked = {"portfolio_id": portfolio_id, "kind": "transactions"}
    everything = await rows_of(dashboard, user_id, **asked)
    seen: list[Content] = []
    monkeypatch.setattr("adaf.reports.making.document", lambda one: seen.append(one) or document(one))
    for many in (len(everything), len(everything) - 1):
        monkeypatch.setattr("adaf.reports.document.MOST_TYPESET", many)
        assert (await made(dashboard, user_id, **asked))["status"] == "done"
        (table,) = document(seen[-1]).tables
        assert len(table.rows) == many
        assert table.total[0] == f"{len(everything):,} in all"
        assert table.rows[-1][2] == everything[-1]["symbol"]
    assert table.title.endswith(f"the last {many:,} of {many + 1:,}; a report of transactions as CSV has all")


async def test_performance_follows_the_values_struck(dashboard: Any, trader: Any) -> None:
    """One row a day with the last value of that day; returns multiply to the whole change."""
    user_id, portfolio_id = trader
    rows = await rows_of(dashboard, user_id, portfolio_id=portfolio_id, kind="performance")
    grown = Decimal(1)
    for row in rows[1:]:
        grown *= 1 + Decimal(row["daily_return"])
    whole = Decimal(rows[-1]["nav"]) / Decimal(rows[0]["nav"])
    assert abs(grown - whole) < Decimal("0.001")
    assert [row["day"] for row in rows] == sorted({row["day"] for row in rows})


async def test_a_formula_in_a_note_stays_text(dashboard: Any, trader: Any) -> None:
    """What a user typed is no formula to a spreadsheet, whatever it begins with."""
    user_id, portfolio_id = trader
    note = '=HYPERLINK("http://evil.test","x")'
    trade = {"symbol": "BTC", "side": "buy", "quantity": "0.001", "note": note}
    await dashboard.post(user_id, f"/api/portfolios/{portfolio_id}/transactions", trade)
    rows = await rows_of(dashboard, user_id, portfolio_id=portfolio_id, kind="transactions")
    assert rows[-1]["note"] == "'" + note


@pytest.mark.parametrize("kind", ["statement", "performance", "transactions"])
async def test_a_pdf_is_one_whatever_is_in_it(dashboard: Any, trader: Any, kind: str) -> None:
    """Typst code, markup and odd characters in names and notes are shown, not run."""
    user_id, portfolio_id = trader
    hostile = '#panic("x") $ * _ = @a \\u{0} #import "/etc/passwd" ]]) \u202e ' + "W" * 300
    await dashboard.sql.execute("UPDATE portfolios SET name = $2 WHERE id = $1", portfolio_id, hostile)
    await dashboard.sql.execute(
        "UPDATE transactions SET note = $2 WHERE portfolio_id = $1", portfolio_id, hostile
    )
    report = await made(dashboard, user_id, portfolio_id=portfolio_id, kind=kind)
    assert (report["status"], report["error"], report["progress_percent"]) == ("done", None, 100)
    answer = await download(dashboard, user_id, report["id"])
    assert answer.content.startswith(b"%PDF-")
    assert answer.content.rstrip().endswith(b"%%EOF")
    assert len(answer.content) == report["file_bytes"] > 10_000


async def test_a_download_is_kept_by_nobody(dashboard: Any, trader: Any) -> None:
    """The answer is an attachment under a plain name, is run as nothing else, and no cache keeps it."""
    user_id, portfolio_id = trader
    report = await made(dashboard, user_id, portfolio_id=portfolio_id)
    headers = (await download(dashboard, user_id, report["id"])).headers
    assert headers["content-type"] == "application/pdf"
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in headers["content-security-policy"]
    name = f"adaf-statement-{portfolio_id}-{report['since']}-to-{report['until']}.pdf"
    assert headers["content-disposition"] == f'attachment; filename="{name}"'


async def test_what_is_not_done_can_not_be_downloaded(dashboard: Any, trader: Any) -> None:
    """409 while it waits, 410 once its file was cleaned up, 404 after it was deleted."""
    user_id, portfolio_id = trader
    report = await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 202)
    path = f"/api/reports/{report['id']}"
    await dashboard.get(user_id, path + "/download", 409)
    await make(dashboard.db, report["id"], is_last_attempt=True)
    await dashboard.sql.execute("UPDATE report_files SET stored_at = now() - interval '31 days'")
    url = dashboard.app.state.settings.database_url
    assert (await clean_up(url, 30)).files == 1
    await dashboard.get(user_id, path + "/download", 410)
    gone = await dashboard.client.delete(path, headers=await dashboard.headers(user_id))
    assert gone.status_code == 204
    await dashboard.get(user_id, path, 404)


async def test_a_deleted_report_is_not_made(dashboard: Any, trader: Any) -> None:
    """A report that is deleted while it waits leaves nothing, and its job ends well."""
    user_id, portfolio_id = trader
    report = await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 202)
    await dashboard.client.delete(f"/api/reports/{report['id']}", headers=await dashboard.headers(user_id))
    await make(dashboard.db, report["id"], is_last_attempt=True)
    assert await dashboard.sql.fetchval("SELECT count(*) FROM report_files") == 0


async def test_made_twice_it_has_one_file(dashboard: Any, trader: Any) -> None:
    """Two workers at one report: both end well, one file is there."""
    user_id, portfolio_id = trader
    report = await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 202)
    twice = (make(dashboard.db, report["id"], is_last_attempt=True) for _ in range(2))
    await asyncio.gather(*twice)
    assert await dashboard.sql.fetchval("SELECT count(*) FROM report_files") == 1


async def test_the_oldest_files_make_room(dashboard: Any, trader: Any) -> None:
    """A user keeps the newest files; the space that reports take is bounded."""
    user_id, portfolio_id = trader
    await dashboard.sql.execute(
        "WITH made AS (INSERT INTO reports (owner_id, kind, status, parameters, created_at)"
        " SELECT $1, 'statement', 'done', '{}', now() FROM generate_series(1, $2) RETURNING id)"
        " INSERT INTO report_files (report_id, content) SELECT id, 'x' FROM made",
        user_id,
        MOST_FILES + 3,
    )
    await made(dashboard, user_id, portfolio_id=portfolio_id)
    assert await dashboard.sql.fetchval("SELECT count(*) FROM report_files") == MOST_FILES


async def test_a_report_without_a_job_ends(dashboard: Any, trader: Any) -> None:
    """A report whose job was removed does not wait for ever."""
    user_id, portfolio_id = trader
    report = await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 202)
    await dashboard.sql.execute("UPDATE reports SET created_at = now() - interval '2 hours'")
    url = dashboard.app.state.settings.database_url
    assert (await clean_up(url, 30)).ended == 0
    await dashboard.sql.execute("TRUNCATE procrastinate.procrastinate_jobs CASCADE")
    assert (await clean_up(url, 30)).ended == 1
    found = await dashboard.get(user_id, f"/api/reports/{report['id']}")
    assert (found["status"], found["error"]) == ("failed", "Its job was lost; ask for it again.")


async def test_the_list_pages_newest_first(dashboard: Any, trader: Any) -> None:
    """All of one's own reports, each once, and nobody else's."""
    user_id, portfolio_id = trader
    await dashboard.post(user_id, "/api/reports", {"portfolio_id": portfolio_id}, 202)
    items = await dashboard.every_item(user_id, "/api/reports", 2)
    expected = await dashboard.sql.fetch(
        "SELECT id FROM reports WHERE owner_id = $1 ORDER BY id DESC", user_id
    )
    assert [item["id"] for item in items] == [row["id"] for row in expected]
