"""Encryption of sensitive entries before they leave this process: AES-256-GCM, bound to the entry's key.

The digest of the key is associated data, so an entry that is copied to another key in Redis does not open.
Nonces are 96 random bits: with one key 2^32 entries are safe (NIST SP 800-38D §8.3). Memory holds them plain.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pack2.errors import Pack2Error

KEY_VARIABLE: Final = "PACK2_CACHE_KEY"
_KEY_BYTES, _NONCE_BYTES = 32, 12


class CacheKeyError(Pack2Error):
    """{variable} {reason}. Policies with `sensitive = true` need it: 32 random bytes in base64, such as
    `openssl rand -base64 32` prints; to change it put the new key first and the old one after a comma."""


class UnsealError(Exception):
    """What Redis holds was not sealed with one of our keys for this entry: it is loaded anew."""


class Sealer:
    """Seals with the first of `keys`, opens with any of them."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = [AESGCM(key) for key in keys]

    @classmethod
    def from_text(cls, text: str) -> Sealer:
        """Keys in base64, separated by commas, the current one first. Raises CacheKeyError."""
        if not text.strip():
            raise CacheKeyError(variable=KEY_VARIABLE, reason="is not set")
        return cls([_key(part.strip()) for part in text.split(",")])

    def seal(self, plain: bytes, digest: str) -> bytes:
        """Nonce, ciphertext and tag of `plain`, for the entry `digest` alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, plain, digest.encode())

    def open(self, sealed: bytes, digest: str) -> bytes:
        """What was sealed for the entry `digest`. Raises UnsealError for all else."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, text, digest.encode())
            except (InvalidTag, ValueError):
                continue
        raise UnsealError


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise CacheKeyError(variable=KEY_VARIABLE, reason="is not base64") from None
    if len(key) != _KEY_BYTES:
        raise CacheKeyError(variable=KEY_VARIABLE, reason=f"has {len(key)} bytes, not {_KEY_BYTES}")
    return key
