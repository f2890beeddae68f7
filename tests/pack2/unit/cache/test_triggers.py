"""The SQL of the change feed's triggers."""

from __future__ import annotations

import pytest

from pack2.cache.triggers import FeedError, check, tag_expression, tags_query, triggers_of
from pack2.config import FeedTable


@pytest.mark.parametrize(
    ("template", "sql"),
    [
        ("quotes", "'quotes'"),
        ("portfolio:{portfolio_id}", "'portfolio:' || changed.\"portfolio_id\"::text"),
        ("{a}-{b}", 'changed."a"::text || \'-\' || changed."b"::text'),
        ("it's", "'it''s'"),
        ('x:{od"d}', '\'x:\' || changed."od""d"::text'),
    ],
)
def test_templates_become_quoted_sql(template: str, sql: str) -> None:
    """Names are identifiers and text is literal, whatever stands in them."""
    assert tag_expression(template) == sql


def test_an_update_reads_old_and_new_rows() -> None:
    """A row that moves from one portfolio to another expires both."""
    feed = FeedTable("t", ("p:{id}",), events=("update",))
    (trigger,) = triggers_of(feed, "public", ["public.t"], "public.pack2_announce")
    assert "SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows" in trigger.function_sql
    assert "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows" in trigger.trigger_sql


def test_truncate_expires_everything() -> None:
    """It has no transition tables, so nobody can say what it took."""
    feed = FeedTable("t", ("p:{id}",), events=("truncate",))
    (trigger,) = triggers_of(feed, "public", ["public.t"], "public.pack2_announce")
    assert "pg_notify('pack2', '*')" in trigger.function_sql
    assert "REFERENCING" not in trigger.trigger_sql


def test_functions_have_a_fixed_search_path() -> None:
    """A writer's own search path never decides what runs with the owner's rights."""
    feed = FeedTable("t", ("p:{id}",))
    for trigger in triggers_of(feed, "shop", ["shop.t"], "public.pack2_announce"):
        assert 'SET search_path = pg_catalog, "shop", pg_temp' in trigger.function_sql


def test_each_partition_gets_its_triggers() -> None:
    """A statement that names a partition does not fire the parent's trigger."""
    feed = FeedTable("t", ("p:{id}",))
    made = list(triggers_of(feed, "public", ["public.t", "public.t_2024"], "public.pack2_announce"))
    assert {trigger.table for trigger in made} == {"public.t", "public.t_2024"}
    assert len(made) == 8


def test_a_changed_template_is_another_version() -> None:
    """So that `apply` replaces what `status` calls changed."""
    one, two = (
        next(triggers_of(FeedTable("t", (tag,)), "public", ["public.t"], "public.pack2_announce"))
        for tag in ("a:{id}", "b:{id}")
    )
    assert one.version != two.version


def test_further_tags_come_from_sql_over_the_changed_rows() -> None:
    """`tags_sql` is united with the templates; its semicolon is dropped."""
    query = tags_query(FeedTable("t", ("a",), "SELECT 'u:' || owner FROM changed;"), "SELECT 1")
    assert query.endswith("UNION\n        SELECT 'u:' || owner FROM changed")


@pytest.mark.parametrize("feed", [FeedTable("t"), FeedTable("t", ("a",), events=("insert", "upsert"))])
def test_a_feed_that_says_nothing_or_names_no_event_is_refused(feed: FeedTable) -> None:
    """A typing error is told before the database is touched."""
    with pytest.raises(FeedError, match="Correct its"):
        check(feed)
