"""What is measured: each section makes its input, runs everything to be compared in turn, and judges the ratios."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks import inputs
from tests.benchmarks.measure import Command, Usage, compare, empty, run_once, table

REFERENCE = Path(__file__).with_name("reference.py")
ENTRY = (sys.executable, "-c", "import sys; sys.argv[0] = 'spora-build'; from spora_build.cli.app import main; main()")
JOBS = 2


@dataclass(frozen=True)
class Finding:
    """A number beside what it may be at most."""

    what: str
    value: float
    limit: float

    def __str__(self) -> str:
        return (
            f"- {'holds ' if self.value <= self.limit else 'MISSED'} {self.what}: {self.value:.3g} ≤ {self.limit:.3g}"
        )


@dataclass(frozen=True)
class Bench:
    """Where and how thoroughly to measure."""

    folder: Path
    rounds: int
    long: bool
    """Also what takes minutes or tens of gigabytes."""
    spora_io: Path | None
    """A checkout of spora-io, None where there is none."""
    spora_io_python: Path | None
    """A Python that spora-io is installed for."""

    def out(self, name: str) -> Path:
        """Where a command of this name writes."""
        return self.folder / "out" / name.replace(" ", "_")

    def reference(self, writer: str, image: Path, threads: int = JOBS, processes: int = 1) -> Command:
        """A writer of :mod:`tests.benchmarks.reference`."""
        name = writer if processes == 1 else f"{writer} by {processes}"
        out = self.out(name)
        words = [sys.executable, REFERENCE, writer, image, out, str(threads), str(processes)]
        return Command(name, words, empty(out))

    def images(self, name: str, raw: Path, *mpps: str, jobs: int = JOBS) -> Command:
        """Our conversion of images."""
        out = self.out(name)
        words: list[str | Path] = [sys.executable, "-m", "tests.benchmarks.work", "images", raw, out, str(jobs), *mpps]
        return Command(name, words, empty(out))

    def work(self, name: str, *words: str | Path) -> tuple[Usage, dict[str, Any]]:
        """One run of another part of :mod:`tests.benchmarks.work`, and what it says."""
        usage = run_once(Command(name, [sys.executable, "-m", "tests.benchmarks.work", *words]))
        return usage, json.loads(usage.said)


def _median_ratio(found: dict[str, list[Usage]], of: str, field: str, *others: str) -> float:
    """Median over rounds of a command's field against the best of others."""
    rounds = zip(found[of], *(found[name] for name in others), strict=True)
    return statistics.median(getattr(own, field) / min(getattr(o, field) for o in rest) for own, *rest in rounds)


def _speedup(found: dict[str, list[Usage]], one: str, two: str) -> float:
    return 1 / _median_ratio(found, two, "wall_s", one)


def _peak(found: dict[str, list[Usage]], of: str) -> float:
    return max(usage.peak_mb for usage in found[of])


def multiplex(bench: Bench) -> tuple[str, list[Finding]]:
    """58 × 4096² uint16, zlib tiles, 1.95 GB of pixels."""
    raw = inputs.multiplex_folder(bench.folder / "multiplex", 58, 4096)
    writers = [bench.reference(name, raw / "image.ome.tif") for name in WRITERS]
    found = compare([*writers, bench.images("ours", raw, "native")], bench.rounds)
    return table(found, "stream"), [
        Finding("CPU ÷ the better of stream and tensorstore", _median_ratio(found, "ours", "cpu_s", *BETTER), 1.15),
        Finding("wall ÷ the better of stream and tensorstore", _median_ratio(found, "ours", "wall_s", *BETTER), 1.2),
        Finding("wall ÷ stream that flushes as we do", _median_ratio(found, "ours", "wall_s", "flushed"), 1.2),
        Finding("peak MB", _peak(found, "ours"), 300),
    ]


WRITERS = ("stream", "flushed", "tensorstore", "zarr")
BETTER = ("stream", "tensorstore")


def rgb(bench: Bench) -> tuple[str, list[Finding]]:
    """20,000² RGB in JPEG tiles, 1.2 GB of pixels; then native and 1.0 µm together."""
    raw = inputs.rgb_folder(bench.folder / "rgb", 20000)
    writers = [bench.reference(name, raw / "image.tif") for name in WRITERS]
    ours = [bench.images("ours", raw, "native"), bench.images("ours at two sizes", raw, "native", "1.0")]
    found = compare([*writers, *ours], bench.rounds)
    return table(found, "stream"), [
        Finding("CPU ÷ the better of stream and tensorstore", _median_ratio(found, "ours", "cpu_s", *BETTER), 1.15),
        Finding("wall ÷ the better of stream and tensorstore", _median_ratio(found, "ours", "wall_s", *BETTER), 1.2),
        Finding("wall ÷ stream that flushes as we do", _median_ratio(found, "ours", "wall_s", "flushed"), 1.2),
        Finding("peak MB", _peak(found, "ours"), 250),
        Finding("two sizes: CPU ÷ stream", _median_ratio(found, "ours at two sizes", "cpu_s", "stream"), 12 / 5.6),
    ]


def cohort(bench: Bench) -> tuple[str, list[Finding]]:
    """200 images of 40 × 600² float32."""
    raw = inputs.cohort_folder(bench.folder / "imc", 200, 40, 600, 600, "imc")
    commands = [
        bench.reference("stream", raw, threads=1),
        bench.reference("stream", raw, threads=1, processes=2),
        bench.images("one worker", raw, "native", jobs=1),
        bench.images("two workers", raw, "native", jobs=2),
    ]
    found = compare(commands, bench.rounds)
    return table(found, "stream"), [
        Finding("one worker: CPU ÷ stream", _median_ratio(found, "one worker", "cpu_s", "stream"), 1.15),
        Finding("wall of two workers ÷ one", _median_ratio(found, "two workers", "wall_s", "one worker"), 1 / 1.8),
        # what two cores of this machine give to two processes that share nothing, and a tenth of it
        Finding(
            "the same ÷ stream's",
            _speedup(found, "stream", "stream by 2") / _speedup(found, "one worker", "two workers"),
            1.1,
        ),
    ]


def stats(bench: Bench) -> tuple[str, list[Finding]]:
    """Statistics of four tissues of 58 × 1440 × 1920 from the stored images, against spora-io's two scripts."""
    raw = inputs.cohort_folder(bench.folder / "stats", 4, 58, 1440, 1920, "codex")
    out = bench.out("stats")
    dataset = out / "bench2026speed"
    if not dataset.is_dir():
        bench.work("stages", "stages", raw, out, str(JOBS))
    counts = out / "bench2026speed.private" / "counts"

    def without_counts() -> None:
        shutil.rmtree(counts, ignore_errors=True)

    again: list[str | Path] = [*ENTRY, "stats", "--dataset", dataset, "--existing", "overwrite", "--jobs", "1"]
    commands = [Command("ours from the zarr", again, without_counts), Command("ours from the counts", again)]
    if bench.spora_io is not None and bench.spora_io_python is not None:
        env = {"SPORA_DATASETS_DIR": str(out), "PYTHONPATH": str(bench.spora_io)}
        for method in ("quantile_clipping", "quantile_clipping_log1p"):
            words: list[str | Path] = [bench.spora_io_python, "-m", "scripts.compute_standardization_stats"]
            words += ["--overwrite", "--dataset-name", "bench2026speed", "--modality", "codex", "--resolution", "1.0"]
            words += ["--method", method, "--quantile-level", "image", "--stats-level", "global"]
            commands.append(Command(f"spora-io {method}", words, env=env))
    found = compare(commands, bench.rounds)
    findings = [Finding("peak MB", _peak(found, "ours from the zarr"), 400)]
    theirs = [runs for name, runs in found.items() if name.startswith("spora-io")]
    if theirs:
        pairs = zip(found["ours from the zarr"], *theirs, strict=True)
        ratio = statistics.median(own.cpu_s / sum(run.cpu_s for run in both) for own, *both in pairs)
        findings.append(Finding("CPU ÷ both of spora-io's runs", ratio, 1 / 20))
    return table(found, "ours from the zarr"), findings


def tiling(bench: Bench) -> tuple[str, list[Finding]]:
    """Tiles of 224 px in steps of 112 over a mask of 20,000²; spora-io's own of 5,000² (20,000² in the long form)."""
    lines, findings = [], []
    sides = [20000, *([100_000] if bench.long else [])]
    for side in sides:
        mask = inputs.mask_file(bench.folder / f"mask-{side}.npz", side)
        usage, said = bench.work("tile", "tile", mask, "224", "112")
        lines.append(f"{side}²: {said['took']['tile']:.2f} CPU s, {said['tiles']} tiles, peak {usage.peak_mb:.0f} MB")
        if side == sides[0]:
            findings += [
                Finding("CPU s", said["took"]["tile"], 0.5),
                Finding("peak ÷ the mask", usage.peak_mb * 1e6 / side**2, 2),
            ]
    if bench.spora_io is not None and bench.spora_io_python is not None:
        side = 20000 if bench.long else 5000
        mask = inputs.mask_file(bench.folder / f"mask-{side}.npz", side)
        _, ours = bench.work("tile", "tile", mask, "224", "112")
        theirs = run_once(
            Command(
                "spora-io", [bench.spora_io_python, "-c", SPORA_IO_TILES, mask], env={"PYTHONPATH": str(bench.spora_io)}
            )
        )
        said = json.loads(theirs.said.splitlines()[-1])
        lines.append(f"spora-io, {side}²: {said['cpu_s']:.2f} CPU s, peak {theirs.peak_mb:.0f} MB")
        findings.append(Finding("tiles that differ from spora-io's (1: yes)", said["hash"] != ours["hash"], 0))
    return "\n".join(lines), findings


SPORA_IO_TILES = """
import hashlib, json, sys, time
import numpy as np
from spora_io.utils.helpers.tile import best_mask_tiling_try_to_stop
mask = np.load(sys.argv[1])["mask"]
start = time.process_time()
tiles, *_ = best_mask_tiling_try_to_stop(
    mask, 224, stride=112, tolerance=0.85, coverage_goal=1.0, min_gain_ratio=0.05
)
cpu_s = time.process_time() - start
places = np.array([(tile.y, tile.x) for tile in tiles], "<i8").reshape(-1, 2)
print(json.dumps({"cpu_s": cpu_s, "hash": hashlib.sha256(places.tobytes()).hexdigest()}))
"""


def stages(bench: Bench) -> tuple[str, list[Finding]]:
    """CPU seconds of every stage of a whole conversion: what masks, tiles and statistics add to the images."""
    lines, findings = ["| | " + " | ".join(STAGES) + " |", "|---|" + "---:|" * len(STAGES)], []
    raws = {
        "multiplex": inputs.multiplex_folder(bench.folder / "multiplex", 58, 4096),
        "rgb": inputs.rgb_folder(bench.folder / "rgb", 20000),
    }
    for name, raw in raws.items():
        out = bench.out(f"stages {name}")
        empty(out)()
        took = bench.work(name, "stages", raw, out, str(JOBS))[1]["took"]
        lines.append(f"| {name} | " + " | ".join(f"{took.get(stage, 0):.2f}" for stage in STAGES) + " |")
        convert_s = took["prepare"] + took["write_images"]
        findings.append(Finding(f"{name}: masks ÷ conversion", took["run_mask"] / convert_s, 0.1))
        if name == "rgb":
            findings.append(Finding("rgb: CPU s of masks", took["run_mask"], 5))
    return "\n".join(lines), findings


STAGES = ("prepare", "write_images", "run_mask", "convert_cells", "run_tile", "run_stats")


def many(bench: Bench) -> tuple[str, list[Finding]]:
    """10,000 tissues: planned, and their tables written."""
    raw = inputs.cohort_folder(bench.folder / "many", 10_000, 4, 64, 64, "codex")
    out = bench.out("many")
    empty(out)()
    usage, said = bench.work("plan", "plan", raw, out, str(JOBS))
    took, waited = said["took"], said["waited"]
    line = f"{usage.cpu_s:.1f} CPU s in all (plan {took['plan']:.1f} beside its workers, tables {took['tables']:.1f})"
    return f"{line}, peak {usage.peak_mb:.0f} MB", [
        Finding("s until all is planned", waited["plan"], 10),
        Finding("s for the tables", waited["tables"], 5),
    ]


def codecs(bench: Bench) -> tuple[str, list[Finding]]:
    """Size, speed of encoding and CPU time of a tile read by zarr-python, beside the published datasets' codec."""
    said = json.loads(run_once(Command("codecs", [sys.executable, "-m", "tests.benchmarks.codecs"])).said)
    lines, findings = ["| | ratio | MB/s | tile ms |", "|---|---:|---:|---:|"], []
    for kind, of_kind in said.items():
        found, default = of_kind["codecs"], of_kind["default"]
        for name, took in found.items():
            shown = f"**{name}**" if name == default else name
            lines.append(f"| {kind}: {shown} | {took['ratio']:.2f} | {took['encode']:.0f} | {took['tile_ms']:.2f} |")
        ours, published = found[default], found["published"]
        findings.append(Finding(f"{kind}: size ÷ published", published["ratio"] / ours["ratio"], 1))
        findings.append(Finding(f"{kind}: time of a tile ÷ published", ours["tile_ms"] / published["tile_ms"], 1.03))
    return "\n".join(lines), findings


def start(bench: Bench) -> tuple[str, list[Finding]]:
    """What asking for help costs."""
    helps = ["--help", "convert --help", "stats --help", "ids --help"]
    found = compare([Command(words, [*ENTRY, *words.split()]) for words in helps], max(3, bench.rounds))
    least = max(min(usage.cpu_s for usage in runs) for runs in found.values())
    return table(found, "--help"), [Finding("CPU s, the slowest of them", least, 0.4)]


def memory(bench: Bench) -> tuple[str, list[Finding]]:
    """The whole conversion of 8 channels of 4096² and of 16,384²."""
    peaks = {}
    for side in (4096, 16384):
        raw = inputs.multiplex_folder(bench.folder / f"flat-{side}", 8, side)
        out = bench.out("memory")
        empty(out)()
        peaks[side] = bench.work(f"{side}", "stages", raw, out, str(JOBS))[0].peak_mb
    shutil.rmtree(bench.out("memory"))
    line = ", ".join(f"{side}²: {peak:.0f} MB" for side, peak in peaks.items())
    return line, [Finding("peak at 16,384² ÷ peak at 4096²", peaks[16384] / peaks[4096], 1.1)]


SECTIONS: dict[str, Callable[[Bench], tuple[str, list[Finding]]]] = {
    section.__name__: section
    for section in (multiplex, rgb, cohort, codecs, stats, tiling, stages, many, start, memory)
}


def spora_io_here() -> tuple[Path | None, Path | None]:
    """Checkout and Python of spora-io, from SPORA_IO and SPORA_IO_PYTHON."""
    checkout, python = os.environ.get("SPORA_IO"), os.environ.get("SPORA_IO_PYTHON")
    return (Path(checkout), Path(python)) if checkout and python else (None, None)


def judge(findings: Sequence[Finding]) -> bool:
    """Whether all of them hold."""
    return all(finding.value <= finding.limit for finding in findings)
