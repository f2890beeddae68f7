"""Tags as counters."""

from __future__ import annotations

import gc

from pack2.cache.tags import Tags, current, expired_seconds, link


def test_marks_are_current_until_a_tag_of_theirs_is_advanced() -> None:
    """Advancing one of several tags is enough, advancing another's is nothing."""
    tags = Tags()
    marks = tags.read(["a", "b"])
    tags.advance(["c"])
    assert current(marks)
    tags.advance(["b"])
    assert not current(marks)


def test_marks_read_before_an_advance_never_become_current_again() -> None:
    """No sequence of advances brings an old mark back."""
    tags = Tags()
    marks = tags.read(["a"])
    for _ in range(5):
        tags.advance(["a"])
        assert not current(marks)
    assert current(tags.read(["a"]))


def test_a_flush_expires_marks_without_tags_too() -> None:
    """Every mark holds the epoch."""
    tags = Tags()
    marks = tags.read([])
    tags.flush()
    assert not current(marks)


def test_tags_live_only_while_something_carries_them() -> None:
    """The number of counters is bounded by what is stored."""
    tags = Tags()
    marks = tags.read(map(str, range(1000)))
    assert len(tags) == 1000
    del marks
    gc.collect()
    assert len(tags) == 0
    tags.advance(["5"])
    assert len(tags) == 0


def test_a_tag_that_was_forgotten_does_not_revive_old_marks() -> None:
    """A counter that starts again is another counter."""
    tags = Tags()
    old = tags.read(["a"])
    tags.advance(["a"])
    new = tags.read(["a"])
    assert not current(old)
    assert current(new)


def test_the_time_since_expiry_is_that_of_the_longest_expired_tag() -> None:
    """Staleness is counted from the first expiry that made it stale."""
    tags = Tags()
    marks = tags.read(["a", "b"])
    assert expired_seconds(marks, 100.0) == 0
    tags.advance(["a"])
    first = marks[1][0].advanced_at
    tags.advance(["b"])
    assert expired_seconds(marks, first + 9) == 9


def test_an_advance_names_each_linked_key_once() -> None:
    """What one write expired is not loaded again for the next, unless it is linked anew; a tag that was not
    advanced names nothing.
    """
    tags = Tags()
    marks, others = tags.read(["a", "b"]), tags.read(["c"])
    link(marks, "key")
    link(others, "other")
    assert tags.advance(["a"]) == {"key"}
    assert tags.advance(["a"]) == set()
    assert tags.advance(["b", "unknown"]) == {"key"}
    assert tags.advance(["c"]) == {"other"}


def test_the_epoch_knows_no_key() -> None:
    """It lives as long as the process, so that a key it knew would never be let go."""
    marks = Tags().read(["a"])
    link(marks, "key")
    assert [tag.keys for tag, _ in marks] == [set(), {"key"}]
