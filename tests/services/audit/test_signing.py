"""Keys: made once, for their owner alone; a signature has one form."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.audit.signing import Signer, key_name, signed_by
from services.errors import Refused


def test_a_key_is_made_for_its_owner_alone_and_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "audit.pem"
    first = Signer.of(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert Signer.of(path).public == first.public
    assert [each.name for each in path.parent.iterdir()] == ["audit.pem"]


def test_sessions_that_begin_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        signers = list(pool.map(lambda _: Signer.of(tmp_path / "audit.pem"), range(16)))
    assert len({signer.public for signer in signers}) == 1


def test_without_a_file_each_session_has_a_key_of_its_own() -> None:
    assert Signer.of(None).public != Signer.of(None).public


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit.pem"
    path.write_bytes(content)
    with pytest.raises(Refused, match="cannot be used") as refusal:
        Signer.of(path)
    assert refusal.value.code == "no-key"


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

    path = tmp_path / "audit.pem"
    path.write_bytes(
        generate_private_key(SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    with pytest.raises(Refused, match="not an Ed25519 key"):
        Signer.of(path)


def test_a_folder_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be used"):
        Signer.of(tmp_path)


def test_a_signature_fits_one_key_one_text_and_one_form() -> None:
    signer, text = Signer.of(None), b"what is signed"
    signature = signer.sign(text)
    assert signed_by(signer.public, signature, text)
    assert not signed_by(signer.public, signature, text + b".")
    assert not signed_by(Signer.of(None).public, signature, text)
    for odd in (signature.upper(), signature[:-2], " " + signature, "", "é", signature + "00"):
        assert not signed_by(signer.public, odd, text)
    assert not signed_by("no key", signature, text)
    assert signer.key == key_name(signer.public)
