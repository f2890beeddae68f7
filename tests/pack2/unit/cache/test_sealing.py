"""What is sealed opens with its key for its entry, and with nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pack2.cache.sealing import CacheKeyError, Sealer, UnsealError


def text(byte: int) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


@given(st.binary(max_size=300), st.text(max_size=20))
def test_what_is_sealed_opens_again(plain: bytes, digest: str) -> None:
    """Any bytes, any entry; the plain text is not in it."""
    digest = digest.encode("ascii", "replace").decode()
    sealer = Sealer.from_text(text(1))
    sealed = sealer.seal(plain, digest)
    assert sealer.open(sealed, digest) == plain
    if len(plain) > 8:
        assert plain not in sealed


def test_another_entry_another_key_and_any_change_are_refused() -> None:
    """Bound to its key in the cache, and to every bit of it."""
    sealer = Sealer.from_text(text(1))
    sealed = sealer.seal(b"balance: 17", "entry")
    with pytest.raises(UnsealError):
        sealer.open(sealed, "other")
    with pytest.raises(UnsealError):
        Sealer.from_text(text(2)).open(sealed, "entry")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnsealError):
            sealer.open(bytes(changed), "entry")
    for short in (b"", b"x", sealed[:11], sealed[:20]):
        with pytest.raises(UnsealError):
            sealer.open(short, "entry")


def test_equal_values_are_sealed_differently() -> None:
    """Who reads Redis can not tell that two entries are equal."""
    sealer = Sealer.from_text(text(1))
    assert sealer.seal(b"same", "entry") != sealer.seal(b"same", "entry")


def test_an_old_key_opens_while_the_new_one_seals() -> None:
    """A change of keys loses nothing: the new one first, the old one after it."""
    old = Sealer.from_text(text(1)).seal(b"value", "entry")
    both = Sealer.from_text(f"{text(2)}, {text(1)}")
    assert both.open(old, "entry") == b"value"
    assert Sealer.from_text(text(2)).open(both.seal(b"value", "entry"), "entry") == b"value"


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "is not set"),
        ("  ", "is not set"),
        ("no base64!", "is not base64"),
        (base64.b64encode(bytes(16)).decode(), "has 16 bytes"),
        (f"{text(1)},", "has 0 bytes"),
    ],
)
def test_a_bad_key_is_told_with_how_to_make_one(key: str, reason: str) -> None:
    """The key itself is not in the message."""
    with pytest.raises(CacheKeyError, match="openssl rand -base64 32") as told:
        Sealer.from_text(key)
    assert reason in str(told.value)
    assert not key.strip() or key not in str(told.value)
