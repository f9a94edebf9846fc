"""How a bucket is named and entered: credentials from the environment, none on a command line, none in a message."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spora_build.errors import EnvironmentFaultError, UsageError
from spora_build.transfer.listing import list_files, read_back, send
from spora_build.transfer.rclone import PROGRAM_VARIABLE, Rclone
from spora_build.transfer.remote import is_remote, open_remote
from tests.transfer.s3_server import BUCKET, KEY, PASSWORD, SECRET, USER, Served, serve

HERE = {PROGRAM_VARIABLE: sys.executable}
"""Any program will do where nothing is run."""
GIVEN = {"SPORA_BUILD_S3_USER": "u", "SPORA_BUILD_S3_PASSWORD": "secret"}
PREFIX = "RCLONE_CONFIG_SPORABUILD_"


def test_the_password_of_the_page_s_endpoint_becomes_a_header() -> None:
    environ = HERE | {"SPORA_BUILD_S3_ENDPOINT": "https://lab:p%40ss%2Fword@datasets.epfl.ch/", "AWS_PROFILE": "mine"}
    remote = open_remote("s3://spora/some/where/", environ=environ)
    assert (remote.path, remote.shown) == ("sporabuild:spora/some/where", "s3://spora/some/where")
    settings = remote.rclone.settings
    assert settings[PREFIX + "ENDPOINT"] == "https://datasets.epfl.ch/"
    assert settings[PREFIX + "REGION"] == "other-v2-signature"
    scheme, _, coded = settings["RCLONE_HEADER"].removeprefix("Authorization: ").partition(" ")
    assert (scheme, base64.b64decode(coded)) == ("Basic", b"lab:p@ss/word")
    assert PREFIX + "ENV_AUTH" not in settings
    assert {"AWS_PROFILE", "SPORA_BUILD_S3_ENDPOINT"} <= remote.rclone.removed
    assert "p@ss" not in repr(remote) and coded not in repr(remote)


def test_without_an_endpoint_it_is_amazon_with_its_own_credentials() -> None:
    settings = open_remote("s3://mine", environ=HERE | {"AWS_REGION": "eu-central-2"}).rclone.settings
    assert settings == {
        PREFIX + "TYPE": "s3",
        PREFIX + "PROVIDER": "AWS",
        PREFIX + "NO_CHECK_BUCKET": "true",
        PREFIX + "ENV_AUTH": "true",
        PREFIX + "REGION": "eu-central-2",
    }


def test_a_remote_of_rclone_s_config_is_taken_as_it_is() -> None:
    remote = open_remote("my store:bucket/prefix/", environ=HERE).child("smith2023novel")
    assert (remote.path, remote.rclone.settings) == ("my store:bucket/prefix/smith2023novel", {})


@pytest.mark.parametrize(
    ("text", "options", "environ", "code"),
    [
        ("bucket/prefix", {}, {}, "E-S3-001"),
        ("s3://", {}, {}, "E-S3-001"),
        ("s3://user:pass@bucket", {}, {}, "E-S3-001"),
        ("s3://b", {"endpoint": "https://lab:secret@host/"}, {}, "E-S3-002"),
        ("s3://b", {"endpoint": "host"}, {}, "E-S3-003"),
        ("s3://b", {"endpoint": "http://host/"}, GIVEN, "E-S3-004"),
    ],
)  # fmt: skip
def test_what_is_refused(text: str, options: dict[str, str], environ: dict[str, str], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_remote(text, environ=HERE | environ, **options)
    assert caught.value.problems[0].code == code
    assert "secret" not in str(caught.value)


def test_a_folder_is_no_remote() -> None:
    assert not is_remote("datasets/smith2023novel")
    assert not is_remote("C:/datasets")
    assert is_remote("minio:bucket")


def test_an_absent_rclone_has_a_remedy() -> None:
    with pytest.raises(EnvironmentFaultError, match="E-S3-005"):
        open_remote("s3://bucket", environ={PROGRAM_VARIABLE: "/nowhere/rclone"})


def test_a_wrong_password_is_told_apart_from_a_wrong_bucket(
    program: Path, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentFaultError, match="E-S3-012"):
        list_files(open_remote("s3://nobucket").child("x"))
    monkeypatch.setenv("SPORA_BUILD_S3_PASSWORD", "wrong")
    with pytest.raises(EnvironmentFaultError, match="E-S3-010"):
        list_files(open_remote(f"s3://{BUCKET}").child("x"))
    monkeypatch.setenv("SPORA_BUILD_S3_ENDPOINT", "http://127.0.0.1:9/")
    with pytest.raises(EnvironmentFaultError, match="E-S3-016"):
        list_files(open_remote(f"s3://{BUCKET}").child("x"))


def test_keys_sign_where_there_is_no_password(
    program: Path, server_program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with serve(server_program, tmp_path / "served", "--auth-key", f"{KEY},{SECRET}") as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        with pytest.raises(EnvironmentFaultError, match="E-S3-010"):
            list_files(open_remote(f"s3://{BUCKET}"))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        send(tmp_path, open_remote(f"s3://{BUCKET}/deep"), ["a.txt"])
        assert running.files() == {"deep/a.txt": b"hello"}


def test_a_certificate_bundle_does_not_stop_old_versions(
    program: Path, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certifi = pytest.importorskip("certifi")
    monkeypatch.setenv("AWS_CA_BUNDLE", certifi.where())
    assert list_files(open_remote(f"s3://{BUCKET}")) == {}


def test_a_large_object_in_several_parts_is_told_with_its_md5(program: Path, served: Served, tmp_path: Path) -> None:
    content = os.urandom(1 << 20) * 25
    (tmp_path / "large").write_bytes(content)
    moved: list[int] = []
    remote = open_remote(f"s3://{BUCKET}")
    send(tmp_path, remote, ["large"], moved.append)
    (file,) = list_files(remote).values()
    assert (file.size, file.md5) == (len(content), hashlib.md5(content).hexdigest())
    assert read_back(remote, ["large", "absent"]) == {"large": hashlib.sha256(content).hexdigest()}
    assert moved == sorted(moved) and moved[-1] == len(content)


def test_no_credential_is_on_rclone_s_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program notes its arguments and what it sees of the environment."""
    spy = tmp_path / "rclone"
    spy.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\nenv > {tmp_path}/environment\necho "[]"\n')
    spy.chmod(0o755)
    monkeypatch.setenv(PROGRAM_VARIABLE, str(spy))
    monkeypatch.setenv("SPORA_BUILD_S3_ENDPOINT", f"https://{USER}:hunter2@127.0.0.1:1/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another-store")
    monkeypatch.setenv("RCLONE_DUMP", "auth")
    monkeypatch.setenv("RCLONE_LOG_FILE", str(tmp_path / "log"))
    list_files(open_remote(f"s3://{BUCKET}"))
    secret = base64.b64encode(f"{USER}:hunter2".encode()).decode()
    assert not {"hunter2", secret, USER} & set((tmp_path / "arguments").read_text().replace(":", " ").split())
    seen = (tmp_path / "environment").read_text()
    assert f"Authorization: Basic {secret}" in seen
    assert "hunter2" not in seen
    assert "of-another-store" not in seen
    assert "RCLONE_DUMP" not in seen and "RCLONE_LOG_FILE" not in seen


def test_an_interruption_stops_rclone(tmp_path: Path) -> None:
    slow = tmp_path / "rclone"
    slow.write_text(f'#!/bin/sh\necho $$ > {tmp_path}/pid\necho \'{{"stats":{{"bytes":1}}}}\' >&2\nexec sleep 60\n')
    slow.chmod(0o755)

    def interrupt(moved: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Rclone(slow).transfer("copy", on_bytes=interrupt)
    pid = (tmp_path / "pid").read_text().strip()
    assert subprocess.run(["ps", "-p", pid], capture_output=True, check=False).returncode != 0


def test_the_password_never_shows(served: Served, program: Path) -> None:
    remote = open_remote(f"s3://{BUCKET}")
    assert PASSWORD not in repr(remote.child("x"))
