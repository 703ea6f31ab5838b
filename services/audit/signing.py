"""Ed25519 keys: they sign the checkpoints of the audit log, and exports."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


@dataclass(frozen=True)
class Signer:
    """A private key. `public` is the raw public key in hex, `key` its short name."""

    private: Ed25519PrivateKey
    public: str

    @classmethod
    def of(cls, path: Path | None) -> Signer:
        """The key of a file, which is made, for its owner alone, where there is none; without a file, a new key.

        Raises Refused for a file that cannot be read or holds no such key.
        """
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if path is None:
            return cls._with(Ed25519PrivateKey.generate())
        try:
            with contextlib.suppress(FileExistsError):
                _make(path)
            private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except (OSError, ValueError) as error:
            raise Refused("no-key", f"The audit key {path} cannot be used: {error}.") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise Refused("no-key", f"The audit key {path} is not an Ed25519 key.")
        return cls._with(private)

    @classmethod
    def _with(cls, private: Ed25519PrivateKey) -> Signer:
        return cls(private, private.public_key().public_bytes_raw().hex())

    @property
    def key(self) -> str:
        """The key's name: the beginning of the hash of the public key."""
        return key_name(self.public)

    def sign(self, text: bytes) -> str:
        """The signature, in hex."""
        return self.private.sign(text).hex()

    def seal(self, text: bytes) -> dict[str, str]:
        """The signature as it stands in a file: with the key that made it."""
        return {"public": self.public, "signature": self.sign(text)}


def is_sealed(seal: Mapping[str, Any], text: bytes, trusted: Collection[str] = ()) -> bool:
    """Whether a signature out of a file is one over the text, by a trusted public key where any are named."""
    public, signature = seal.get("public"), seal.get("signature")
    if not isinstance(public, str) or not isinstance(signature, str) or (trusted and public not in trusted):
        return False
    return signed_by(public, signature, text)


def key_name(public: str) -> str:
    """The short name of a public key."""
    return hashlib.sha256(public.encode()).hexdigest()[:16]


def signed_by(public: str, signature: str, text: bytes) -> bool:
    """Whether the signature over the text is that of the public key, in the one form that `sign` writes."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = bytes.fromhex(signature)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(raw, text)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return raw.hex() == signature


def _make(path: Path) -> None:
    """Make a key file. Two who begin at once agree on one: a link is made, or is there."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
        os.link(fresh, path)
    finally:
        os.close(descriptor)
        fresh.unlink()
