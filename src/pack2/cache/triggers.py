"""The SQL of the change feed: which statement-level trigger announces which tags.

One trigger an event, for a transition table belongs to one event; TRUNCATE has none and expires everything.
Functions run with a fixed search path and the rights of who applied them, so that a writer needs no further
right and can not be made to run another's function.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec

from pack2.cache.feed import CHANNEL, EVERYTHING, PAYLOAD_BYTES, TAG_BYTES
from pack2.config import FeedTable
from pack2.errors import Pack2Error

EVENTS: Final = ("insert", "update", "delete", "truncate")
MOST_MESSAGES: Final = 20
PREFIX: Final = "pack2_feed_"
_COLUMN: Final = re.compile(r"\{([^{}]*)\}")
_ROWS: Final = {
    "insert": "SELECT * FROM new_rows",
    "update": "SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows",
    "delete": "SELECT * FROM old_rows",
}
_REFERENCING: Final = {
    "insert": "REFERENCING NEW TABLE AS new_rows ",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows ",
    "delete": "REFERENCING OLD TABLE AS old_rows ",
    "truncate": "",
}

ANNOUNCE: Final = f"""\
CREATE OR REPLACE FUNCTION {{schema}}.pack2_announce(VARIADIC tags text[]) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $pack2$
DECLARE
    too_much boolean;
BEGIN
    SELECT sum(octet_length(tag) + 1) > {MOST_MESSAGES * PAYLOAD_BYTES}
        OR max(octet_length(tag)) > {TAG_BYTES}
    INTO too_much FROM unnest(tags) AS tag;
    IF too_much THEN
        PERFORM pg_notify('{CHANNEL}', '{EVERYTHING}');
    ELSE
        PERFORM pg_notify('{CHANNEL}', string_agg(tag, E'\\n'))
        FROM (SELECT tag, sum(octet_length(tag) + 1) OVER (ORDER BY tag) / {PAYLOAD_BYTES} AS message
              FROM (SELECT DISTINCT tag FROM unnest(tags) AS tag WHERE tag <> '') AS unique_tags) AS sized
        GROUP BY message;
    END IF;
END $pack2$"""  # noqa: S608 - constants of this package


class FeedError(Pack2Error):
    """The change feed of {table} can not be made: {reason}. Correct its [[cache.feed]] in pack2.toml."""


class Trigger(msgspec.Struct, frozen=True):
    """One event of one table. `function_sql` and `trigger_sql` create it; `version` tells a changed one."""

    table: str
    event: str
    function: str
    function_sql: str
    trigger_sql: str

    @property
    def name(self) -> str:
        return PREFIX + self.event

    @property
    def version(self) -> str:
        return sha256((self.function_sql + self.trigger_sql).encode()).hexdigest()[:16]


def quote(name: str) -> str:
    """`name` as an SQL identifier; a dot parts schema and table."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def tag_expression(template: str) -> str:
    """`portfolio:{portfolio_id}` as SQL over the changed row."""
    parts = []
    for index, part in enumerate(_COLUMN.split(template)):
        if index % 2:
            parts.append(f"changed.{quote(part)}::text")
        elif part:
            parts.append(literal(part))
    return " || ".join(parts)


def tags_query(feed: FeedTable, rows: str) -> str:
    """SQL that yields each tag of the changed `rows` once."""
    selects = [f"SELECT {tag_expression(template)} FROM changed" for template in feed.tags]  # noqa: S608 - quoted
    if feed.tags_sql:
        selects.append(feed.tags_sql.strip().rstrip(";"))
    found = "\n        UNION\n        ".join(selects)
    return f"WITH changed AS ({rows})\n        {found}"


def check(feed: FeedTable) -> None:
    """Raises FeedError for a feed that says nothing or names an unknown event."""
    if not feed.tags and not feed.tags_sql:
        raise FeedError(table=feed.table, reason="it has neither tags nor tags_sql")
    if unknown := set(feed.events) - set(EVENTS):
        raise FeedError(
            table=feed.table, reason=f"{', '.join(sorted(unknown))} is none of {', '.join(EVENTS)}"
        )


def triggers_of(feed: FeedTable, schema: str, tables: list[str], announce: str) -> Iterator[Trigger]:
    """The triggers of a table and its partitions (`tables`, schema-qualified), in the schema of the table."""
    check(feed)
    for event in feed.events:
        function = f"{schema}.{_function_name(feed.table, event)}"
        body = _body(feed, event, announce)
        for table in tables:
            yield Trigger(
                table=table,
                event=event,
                function=function,
                function_sql=f"CREATE OR REPLACE FUNCTION {quote(function)}() RETURNS trigger\n"
                "LANGUAGE plpgsql SECURITY DEFINER\n"
                f"SET search_path = pg_catalog, {quote(schema)}, pg_temp AS $pack2$\n"
                f"BEGIN\n    {body}\n    RETURN NULL;\nEND $pack2$",
                trigger_sql=f"CREATE OR REPLACE TRIGGER {PREFIX}{event} AFTER {event.upper()}\n"
                f"ON {quote(table)} {_REFERENCING[event]}FOR EACH STATEMENT\n"
                f"EXECUTE FUNCTION {quote(function)}()",
            )


def _body(feed: FeedTable, event: str, announce: str) -> str:
    if event == "truncate":
        return f"PERFORM pg_notify('{CHANNEL}', '{EVERYTHING}');"
    query = tags_query(feed, _ROWS[event])
    return f"PERFORM {quote(announce)}(VARIADIC ARRAY(\n        {query}));"


def _function_name(table: str, event: str) -> str:
    plain = table.split(".")[-1]
    if len(plain) > 30:
        plain = f"{plain[:20]}_{sha256(plain.encode()).hexdigest()[:8]}"
    return f"{PREFIX}{plain}_{event}"
