"""libCZI in a process of its own: a damaged file may crash it or keep it busy for ever, and only that process ends.

Requests and answers are pickles through its standard streams; pixels go through them without a copy.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from spora_build.errors import EnvironmentFaultError, Problem

LIMIT_S = 120.0
"""How long libCZI may be at one request. The child itself keeps to it, also when its parent is dead."""
MAX_CHANNELS = 1000
_CACHE_BYTES = 64 * 2**20
_PROGRAM = "from spora_build.readers._czi_child import serve; serve()"

Rectangle = tuple[int, int, int, int]
"""Column and row on the slide, width and height, in pixels."""


class CziHeader(NamedTuple):
    """What libCZI says about a file."""

    metadata: str
    extent: dict[str, tuple[int, int]]
    """First index and the one after the last of each dimension."""
    scenes: dict[int | None, Rectangle]
    """At full resolution; all of the slide as None where there are no scenes."""
    pixel_types: set[str]
    """Of all channels; none where there are more than MAX_CHANNELS."""
    tiles: list[tuple[int, int]]
    """Height and width of the tiles of the first channel at full resolution."""


class CziChild:
    """An open CZI file. Threads may ask at once, and wait for each other.

    Every method raises what libCZI raises, RuntimeError where the child dies or takes longer than LIMIT_S, ImportError
    where pylibCZIrw is not installed and EnvironmentFaultError where the machine starts no more processes. After a
    death the next request starts another child.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, in a new process."""
        self._path = str(path.absolute())
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        with self._lock:
            self._start()

    def describe(self) -> CziHeader:
        """All but pixels."""
        header: CziHeader = self._ask("describe")
        return header

    def read(self, place: Rectangle, channel: int, scene: int | None, background: float) -> NDArray[Any]:
        """Pixels (H, W, 1) or (H, W, 3) blue, green and red; ``background`` (0 to 1) where nothing was scanned."""
        pixels: NDArray[Any] = self._ask("read", place, channel, scene, background)
        return pixels

    def close(self) -> None:
        """End the child, whatever it is at; reading afterwards is a ValueError."""
        self._is_closed = True
        process = self._process
        if process is not None:
            process.kill()  # before the lock: a thread may wait for its answer
        with self._lock:
            self._end()

    def _ask(self, name: str, *arguments: object) -> Any:
        with self._lock:
            if self._is_closed:
                raise ValueError("the file is closed: pixels are read inside the `with` of open_rois")
            process = self._process or self._start()
            return self._exchange(process, name, *arguments)

    def _start(self) -> subprocess.Popen[bytes]:
        modules = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
        try:
            # a session of its own: the terminal's Ctrl-C and Ctrl-Z are for the parent
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(LIMIT_S)],
                env={**os.environ, "PYTHONPATH": modules},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise EnvironmentFaultError(
                Problem(
                    "E-ENV-024",
                    f"the process that reads CZI files cannot be started ({error.strerror}).",
                    "run again with --jobs 1, or where more processes and memory are allowed.",
                )
            ) from error
        try:
            self._exchange(process, "open", self._path)
        except BaseException:
            self._end()
            raise
        return process

    def _exchange(self, process: subprocess.Popen[bytes], name: str, *arguments: object) -> Any:
        assert process.stdin is not None and process.stdout is not None
        try:
            pickle.dump((name, arguments), process.stdin)
            process.stdin.flush()
            answer = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self._end()
            raise RuntimeError("libCZI crashed or came to no end") from error
        except BaseException:
            self._end()  # half an answer may be left in the pipe
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            with suppress(OSError), process:  # closes the pipes and waits
                pass


class _Library:
    """The requests, on the child's side."""

    def open(self, path: str) -> None:
        try:
            from pylibCZIrw import czi
        except OSError as error:  # a library that it needs is missing
            raise ImportError(str(error)) from error
        kept = czi.CacheOptions(type=czi.CacheType.Standard, max_memory_usage=_CACHE_BYTES, max_sub_block_count=None)
        self._reader = czi.CziReader(path, cache_options=kept)

    def describe(self) -> CziHeader:
        reader = self._reader
        extent = {axis: (int(first), int(stop)) for axis, (first, stop) in reader.total_bounding_box_no_pyramid.items()}
        scenes = reader.scenes_bounding_rectangle_no_pyramid or {None: reader.total_bounding_rectangle_no_pyramid}
        first, stop = extent.get("C", (0, 1))
        channels = range(stop - first if stop - first <= MAX_CHANNELS else 0)
        tiles: list[tuple[int, int]] = []

        def take(_: int, info: Any) -> bool:
            tiles.append((info.physicalSize.h, info.physicalSize.w))
            return True

        reader.enumerate_subblocks_subset(take, {"C": 0}, only_layer0=True)
        return CziHeader(
            reader.raw_metadata,
            extent,
            {scene: tuple(place) for scene, place in scenes.items()},
            {reader.get_channel_pixel_type(channel) for channel in channels},
            tiles,
        )

    def read(self, place: Rectangle, channel: int, scene: int | None, background: float) -> NDArray[Any]:
        pixels: NDArray[Any] = self._reader.read(
            roi=place, plane={"C": channel}, scene=scene, background_pixel=(background,) * 3
        )
        return pixels


def serve() -> None:
    """Answer requests until the parent closes the pipe: the main function of the child."""
    library, limit_s = _Library(), float(sys.argv[1])
    with os.fdopen(os.dup(1), "wb") as answers, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # what a library prints is no answer
        with suppress(EOFError, OSError):  # the parent has gone
            while True:
                name, arguments = pickle.load(sys.stdin.buffer)
                faulthandler.dump_traceback_later(limit_s, exit=True)
                try:
                    answer = getattr(library, name)(*arguments)
                except Exception as error:  # noqa: BLE001  the parent raises it
                    answer = error
                faulthandler.cancel_dump_traceback_later()
                pickle.dump(answer, answers, protocol=5)
                answers.flush()
