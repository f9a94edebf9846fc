"""A real S3 endpoint on loopback, behind HTTP Basic like the format page's: rclone's own server."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spora_build.transfer.listing import send
from spora_build.transfer.remote import open_remote

USER, PASSWORD = "lab", "s3 cret/%"
BUCKET = "bucket"
LIFETIME_S = 180
"""The server ends by itself even where the tests are killed."""
KEY, SECRET = "AKIALOOPBACK", "anothersecret"


@dataclass(frozen=True)
class Served:
    """A running endpoint."""

    endpoint: str
    """Without credentials."""
    folder: Path
    """What the bucket holds, as files."""

    def files(self) -> dict[str, bytes]:
        """Every object by its path in the bucket."""
        return {p.relative_to(self.folder).as_posix(): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}


def takes_passwords(program: Path) -> bool:
    """Whether this rclone can serve S3 behind HTTP Basic (from 1.68 it can)."""
    text = subprocess.run([program, "serve", "s3", "--help"], capture_output=True, text=True, check=False).stdout
    return "--user" in text


@contextmanager
def serve(program: Path, folder: Path, *credentials: str) -> Iterator[Served]:
    """Serve a folder of buckets; ``credentials`` are options of ``rclone serve s3``."""
    (folder / BUCKET).mkdir(parents=True)
    bounded = [shutil.which("timeout"), str(LIFETIME_S)] if shutil.which("timeout") else []
    command = [*bounded, program, "serve", "s3", folder, "--addr", "127.0.0.1:0"]
    log = folder.with_suffix(".log")
    with log.open("w") as output:
        process = subprocess.Popen([str(part) for part in (*command, *credentials)], stdout=output, stderr=output)
    try:
        yield Served(_address(process, log), folder / BUCKET)
    finally:
        process.terminate()
        process.wait(20)


def replace_object(served: Served, path: str, content: bytes) -> None:
    """Other bytes for an object, by the front door: the server remembers what it has seen behind it."""
    remote = open_remote(f"s3://{served.folder.name}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / path).parent.mkdir(parents=True)
        (Path(folder) / path).write_bytes(content)
        send(Path(folder), remote, [path])


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:[1-9]\d*/", log.read_text())
        if found:
            return found[0]
        time.sleep(0.05)
    raise RuntimeError(f"no server: {log.read_text()}")
