"""The key: where it comes from, who may read it, and that it never shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spora_build.errors import EnvironmentFaultError, PrivacyError, SporaBuildError, UsageError
from spora_build.privacy.key import ENVIRONMENT_VARIABLE, IdKey, export_key, import_key, obtain_key, read_key
from spora_build.privacy.private_files import close_to_others, make_private_folder

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def private_file(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_a_key_is_made_once_and_kept(tmp_path: Path) -> None:
    private = tmp_path / "smith2023novel.private"
    first = obtain_key(private, key_file=None, environment={})
    assert obtain_key(private, key_file=None, environment={}) == first
    assert len(first.secret) == 32
    if os.name == "posix":
        assert private.stat().st_mode & 0o777 == 0o700
        assert (private / "id.key").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in private.iterdir()] == ["id.key"]


def test_builds_that_start_together_get_one_key(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    code = (
        "import sys; from pathlib import Path; from spora_build.privacy.key import obtain_key;"
        "sys.stdin.readline(); print(obtain_key(Path(sys.argv[1]), key_file=None, environment={}).secret.hex())"
    )
    builds = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(private)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    keys = set()
    for build in builds:
        assert build.stdin is not None
        build.stdin.write("go\n")
        build.stdin.flush()
    for build in builds:
        keys.add(build.communicate(timeout=60)[0])
        assert build.returncode == 0
    assert len(keys) == 1


def test_the_order_of_sources(tmp_path: Path) -> None:
    file = private_file(tmp_path / "lab.key", bytes(range(100, 140)))
    environment = {ENVIRONMENT_VARIABLE: HEX}
    private = tmp_path / "d.private"
    assert obtain_key(private, key_file=file, environment=environment).secret == bytes(range(100, 140))
    assert obtain_key(private, key_file=None, environment=environment).secret == bytes(range(32))
    assert not private.exists()


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        (HEX.encode(), bytes(range(32))),
        (HEX.upper().encode() + b"\r\n", bytes(range(32))),
        (bytes(range(31)) + b"\n", bytes(range(31)) + b"\n"),
    ],
)
def test_a_key_file_is_hexadecimal_or_bytes(tmp_path: Path, content: bytes, secret: bytes) -> None:
    assert read_key(private_file(tmp_path / "k", content)).secret == secret


@pytest.mark.parametrize(
    "content", [b"", b"swordfish", HEX[:40].encode(), (HEX + "0").encode(), b"\0" * 64, b"ab" * 32]
)
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="E-ID-023") as caught:
        read_key(private_file(tmp_path / "k", content))
    assert not content or content.decode() not in str(caught.value)


def test_the_environment_takes_hexadecimal_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=ENVIRONMENT_VARIABLE) as caught:
        obtain_key(tmp_path, key_file=None, environment={ENVIRONMENT_VARIABLE: "correct horse battery staple " * 2})
    assert "horse" not in str(caught.value)


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = private_file(tmp_path / "lab.key", HEX.encode())
    file.chmod(mode)
    with pytest.raises(PrivacyError, match="chmod 600") as caught:
        read_key(file)
    assert str(tmp_path) not in str(caught.value)


@posix
def test_a_private_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    private.mkdir()
    private.chmod(0o755)
    with pytest.raises(PrivacyError, match="chmod 700"):
        obtain_key(private, key_file=None, environment={})


@posix
def test_a_loose_umask_does_not_loosen_the_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        obtain_key(tmp_path / "d.private", key_file=None, environment={})
    finally:
        os.umask(before)
    assert (tmp_path / "d.private").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "d.private" / "id.key").stat().st_mode & 0o777 == 0o600


def test_a_missing_key_file_is_the_machines_fault(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFaultError, match="E-ID-020"):
        read_key(tmp_path / "none")


def test_a_key_never_shows() -> None:
    key = IdKey(bytes(range(32)))
    assert HEX[:16] not in repr(key)
    assert repr(key.secret) not in repr(key)
    assert key.fingerprint not in HEX
    assert len(key.fingerprint) == 16
    assert IdKey(bytes(range(1, 33))).fingerprint != key.fingerprint


def test_two_datasets_share_a_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.private", tmp_path / "b.private"
    key = obtain_key(first, key_file=None, environment={})
    assert export_key(first, tmp_path / "shared.key") == key
    assert import_key(second, tmp_path / "shared.key") == key
    assert import_key(second, tmp_path / "shared.key") == key
    assert obtain_key(second, key_file=None, environment={}) == key


def test_sharing_never_replaces_a_key(tmp_path: Path) -> None:
    first, second = tmp_path / "a.private", tmp_path / "b.private"
    obtain_key(first, key_file=None, environment={})
    other = obtain_key(second, key_file=None, environment={})
    with pytest.raises(PrivacyError, match="E-ID-022"):
        import_key(second, first / "id.key")
    with pytest.raises(SporaBuildError, match="E-ID-021"):
        export_key(first, second / "id.key")
    assert obtain_key(second, key_file=None, environment={}) == other


@posix
def test_whatever_a_worker_wrote_is_closed_to_others(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    make_private_folder(private)
    (private / "counts" / "codex").mkdir(parents=True)
    (private / "counts" / "codex" / "a.npz").touch(mode=0o644)
    outside = tmp_path / "outside.txt"
    outside.touch(mode=0o644)
    (private / "link").symlink_to(outside)
    close_to_others(private)
    modes = {path.name: path.stat().st_mode & 0o777 for path in private.rglob("*") if not path.is_symlink()}
    assert modes == {"counts": 0o700, "codex": 0o700, "a.npz": 0o600}
    assert outside.stat().st_mode & 0o777 == 0o644


def test_a_key_that_is_kept_elsewhere_is_not_exported(tmp_path: Path) -> None:
    make_private_folder(tmp_path / "d.private")
    with pytest.raises(UsageError, match="--id-key-file"):
        export_key(tmp_path / "d.private", tmp_path / "lab.key")
    assert not (tmp_path / "lab.key").exists()
