"""The crosswalk: append-only, stable, one key, no collisions, nothing shown."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spora_build.errors import EnvironmentFaultError, InvalidDataError, PrivacyError
from spora_build.privacy import crosswalk as crosswalk_module
from spora_build.privacy.crosswalk import Crosswalk, TissueCodes, TissueRequest
from spora_build.privacy.key import IdKey
from spora_build.privacy.private_files import private_lock
from spora_build.privacy.pseudonym import IdScheme, spora_code

KEY = IdKey(bytes(range(32)))
NAME = "smith2023novel"
PAIRS = st.tuples(st.sampled_from("ABCDE"), st.integers(0, 6))
SCHEMES = st.sampled_from(list(IdScheme))


def requests(pairs: list[tuple[str, int]]) -> list[TissueRequest]:
    return [TissueRequest(f"patient {p}", f"core{t}.tif", f"biopsy {t % 2}") for p, t in pairs]


def assign(
    crosswalk: Crosswalk, pairs: list[tuple[str, int]], scheme: IdScheme = IdScheme.KEYED
) -> tuple[Crosswalk, tuple[TissueCodes, ...]]:
    return crosswalk.assign(requests(pairs), dataset=NAME, scheme=scheme, key=KEY)


def test_one_tissue_is_0000_and_more_follow_the_sheet() -> None:
    _, codes = assign(Crosswalk(), [("A", 3), ("B", 1), ("A", 1), ("A", 3)])
    assert [code.specimen_id for code in codes] == ["0000", "0000", "0001", "0000"]
    assert codes[0].patient_id == codes[2].patient_id != codes[1].patient_id
    assert codes[2].tissue_id == f"{NAME}_{codes[0].patient_id}_0001"


def test_biopsies_have_codes_of_their_own() -> None:
    _, codes = Crosswalk().assign(
        [
            TissueRequest("P1", "a", "1"),
            TissueRequest("P1", "b", "1"),
            TissueRequest("P1", "c", "2"),
            TissueRequest("P2", "d", "1"),
            TissueRequest("P2", "e", " "),
            TissueRequest("P2", "f"),
        ],
        dataset=NAME,
        scheme=IdScheme.KEYED,
        key=KEY,
    )
    first, same, second, other_patient, blank, none = (code.biopsy_id for code in codes)
    assert first == same
    assert len({first, second, other_patient}) == 3, "biopsy 1 of one patient is not biopsy 1 of another"
    assert blank is none is None


@given(st.lists(PAIRS, max_size=12), st.lists(PAIRS, max_size=12), SCHEMES)
@settings(max_examples=100, deadline=None)
def test_growing_never_renumbers(first: list[tuple[str, int]], then: list[tuple[str, int]], scheme: IdScheme) -> None:
    early, early_codes = assign(Crosswalk(), first, scheme)
    late, late_codes = assign(early, then + first, scheme)
    assert late.entries[: len(early.entries)] == early.entries
    assert late_codes[len(then) :] == early_codes
    assert assign(late, first, scheme)[0] == late
    by_pair = dict(zip(then + first, late_codes, strict=True))
    assert len({code.tissue_id for code in by_pair.values()}) == len(by_pair)
    for patient in {patient for patient, _ in by_pair}:
        numbers = sorted(code.specimen_id for (p, _), code in by_pair.items() if p == patient)
        assert numbers == [f"{n:04d}" for n in range(len(numbers))]


@given(st.lists(PAIRS, max_size=15, unique=True).flatmap(lambda p: st.tuples(st.just(p), st.permutations(p))))
@settings(max_examples=60, deadline=None)
def test_patient_ids_do_not_depend_on_the_order(orders: tuple[list[tuple[str, int]], list[tuple[str, int]]]) -> None:
    ids = [
        {
            pair: (code.patient_id, code.biopsy_id)
            for pair, code in zip(order, assign(Crosswalk(), order)[1], strict=True)
        }
        for order in orders
    ]
    assert ids[0] == ids[1]


@given(st.lists(PAIRS, max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_many_small_builds_are_one_large_build(pairs: list[tuple[str, int]], data: st.DataObject) -> None:
    crosswalk, taken = Crosswalk(), 0
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder) / "d.private"
        while taken < len(pairs):
            size = data.draw(st.integers(1, len(pairs) - taken))
            crosswalk, _ = assign(Crosswalk.load(private), pairs[taken : taken + size])
            crosswalk.save(private)
            taken += size
        assert Crosswalk.load(private) == crosswalk
    whole, _ = assign(Crosswalk(), pairs)
    assert crosswalk.entries == whole.entries


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda text: text.strip()), SCHEMES)
@settings(max_examples=60, deadline=None)
def test_any_text_survives_the_file(text: str, scheme: IdScheme) -> None:
    crosswalk, codes = Crosswalk().assign([TissueRequest(text, text, text)], dataset=NAME, scheme=scheme, key=KEY)
    with tempfile.TemporaryDirectory() as folder:
        private = Path(folder) / "d.private"
        crosswalk.save(private)
        assert Crosswalk.load(private) == crosswalk
        again = Crosswalk.load(private).assign([TissueRequest(text, text, text)], dataset=NAME, scheme=scheme, key=KEY)
    assert again == (crosswalk, codes)


def test_the_authors_scheme_gives_the_authors_ids() -> None:
    _, codes = Crosswalk().assign([TissueRequest("CRC01", "x")], dataset=NAME, scheme=IdScheme.SPORA, key=None)
    assert codes[0].patient_id == "zupwxfxb"


def test_random_codes_are_remembered() -> None:
    crosswalk, codes = assign(Crosswalk(), [("A", 1), ("B", 1)], IdScheme.RANDOM)
    assert assign(crosswalk, [("B", 1), ("A", 1)], IdScheme.RANDOM)[1] == (codes[1], codes[0])
    assert assign(Crosswalk(), [("A", 1)], IdScheme.RANDOM)[1][0].patient_id != codes[0].patient_id


def test_a_collision_stops_without_showing_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crosswalk_module, "keyed_code", lambda secret, text, kind: "abcdefgh")
    with pytest.raises(PrivacyError, match="E-ID-035") as caught:
        assign(Crosswalk(), [("A", 1), ("B", 1)])
    assert "patient A" not in str(caught.value)
    assert "patient B" not in str(caught.value)


def test_a_collision_with_an_older_build_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    older, codes = assign(Crosswalk(), [("A", 1)])
    monkeypatch.setattr(crosswalk_module, "keyed_code", lambda secret, text, kind: codes[0].patient_id)
    with pytest.raises(PrivacyError, match="E-ID-035"):
        assign(older, [("B", 1)])


def test_random_codes_are_drawn_again_on_a_collision(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aaaaaaaa", "bbbbbbbb", "aaaaaaaa", "cccccccc", "dddddddd", "eeeeeeee", *["zzzzzzzz"] * 9])
    monkeypatch.setattr(crosswalk_module, "random_code", lambda: next(drawn))
    _, codes = Crosswalk().assign(
        [TissueRequest(p, "x") for p in ("A", "B", "C")], dataset=NAME, scheme=IdScheme.RANDOM, key=None
    )
    assert len({code.patient_id for code in codes}) == 3


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("E-ID-032", {"dataset": "jones2024other"}),
        ("E-ID-033", {"scheme": IdScheme.RANDOM}),
        ("E-ID-034", {"key": IdKey(bytes(range(1, 33)))}),
    ],
)
def test_another_name_scheme_or_key_stops(tmp_path: Path, code: str, change: dict[str, object]) -> None:
    crosswalk, _ = assign(Crosswalk(), [("A", 1)])
    crosswalk.save(tmp_path / "d.private")
    settings = {"dataset": NAME, "scheme": IdScheme.KEYED, "key": KEY, **change}
    with pytest.raises(PrivacyError, match=code) as caught:
        Crosswalk.load(tmp_path / "d.private").assign(requests([("A", 1)]), **settings)  # type: ignore[arg-type]
    assert "patient A" not in str(caught.value)


def test_ten_thousand_tissues_of_one_patient_fit_and_no_more() -> None:
    many = [TissueRequest("P", str(number)) for number in range(10_000)]
    crosswalk, codes = Crosswalk().assign(many, dataset=NAME, scheme=IdScheme.KEYED, key=KEY)
    assert codes[-1].specimen_id == "9999"
    with pytest.raises(InvalidDataError, match="E-ID-036"):
        crosswalk.assign([TissueRequest("P", "one more")], dataset=NAME, scheme=IdScheme.KEYED, key=KEY)


def test_saving_never_loses_an_entry(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    base, _ = assign(Crosswalk(), [("A", 1)])
    base.save(private)
    assign(base, [("B", 1)])[0].save(private)
    stale, _ = assign(base, [("C", 1)])
    with pytest.raises(InvalidDataError, match="E-ID-030"):
        stale.save(private)
    assert len(Crosswalk.load(private).entries) > len(base.entries)


def test_only_the_owner_reads_the_file(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    assign(Crosswalk(), [("A", 1)])[0].save(private)
    assert [entry.name for entry in private.iterdir()] == ["crosswalk.csv"]
    if os.name == "posix":
        assert (private / "crosswalk.csv").stat().st_mode & 0o777 == 0o600
        (private / "crosswalk.csv").chmod(0o644)
        with pytest.raises(PrivacyError, match="chmod 600"):
            Crosswalk.load(private)


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[:1],
        lambda lines: lines[1:],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [*lines[:-1], lines[-1][:-12]],
        lambda lines: [*lines, b'"patient","x","x","notacode","notacode9"'],
        lambda lines: [*lines, b"\xff\xfe"],
        lambda lines: [],
    ],
)
def test_a_damaged_file_stops_without_showing_ids(tmp_path: Path, damage: object) -> None:
    private = tmp_path / "d.private"
    assign(Crosswalk(), [("A", 1)])[0].save(private)
    path = private / "crosswalk.csv"
    path.write_bytes(b"\n".join(damage(path.read_bytes().splitlines())))  # type: ignore[operator]
    with pytest.raises(InvalidDataError, match="E-ID-037") as caught:
        Crosswalk.load(private)
    assert "patient A" not in str(caught.value)


def test_nothing_raw_in_a_repr() -> None:
    crosswalk, codes = assign(Crosswalk(), [("A", 1)])
    shown = repr((crosswalk, codes, crosswalk.entries, requests([("A", 1)])))
    assert "patient A" not in shown
    assert "core1" not in shown
    assert "biopsy 1" not in shown


def test_rotation_makes_new_ids_under_a_new_name_and_keeps_specimens() -> None:
    old, codes = assign(Crosswalk(), [("A", 3), ("B", 1), ("A", 1)])
    key = IdKey(bytes(range(9, 41)))
    new, pairs = old.rotate(dataset="smith2024again", scheme=IdScheme.KEYED, key=key)
    assert [before for before, _ in pairs] == [code.tissue_id for code in codes]
    _, after = old_requests_under(new, key)
    assert [code.tissue_id for code in after] == [name for _, name in pairs]
    assert [code.specimen_id for code in after] == [code.specimen_id for code in codes]
    assert not {code.patient_id for code in after} & {code.patient_id for code in codes}
    assert not {code.biopsy_id for code in after} & {code.biopsy_id for code in codes}
    with pytest.raises(PrivacyError, match="E-ID-031"):
        old.rotate(dataset=NAME, scheme=IdScheme.KEYED, key=key)


def old_requests_under(crosswalk: Crosswalk, key: IdKey) -> tuple[Crosswalk, tuple[TissueCodes, ...]]:
    grown, codes = crosswalk.assign(
        requests([("A", 3), ("B", 1), ("A", 1)]), dataset="smith2024again", scheme=IdScheme.KEYED, key=key
    )
    assert grown == crosswalk, "a rotated crosswalk knows all tissues already"
    return grown, codes


def test_a_second_build_is_told_to_wait(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    with (
        private_lock(private),
        pytest.raises(EnvironmentFaultError, match="E-ID-012"),
        private_lock(private, wait_s=0.05),
    ):
        pass
    with private_lock(private, wait_s=0):
        pass


def test_the_lock_of_a_killed_build_is_free(tmp_path: Path) -> None:
    private = tmp_path / "d.private"
    code = (
        "import sys, time; from pathlib import Path; from spora_build.privacy.private_files import private_lock\n"
        "with private_lock(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"
    )
    build = subprocess.Popen([sys.executable, "-c", code, str(private)], stdout=subprocess.PIPE, text=True)
    assert build.stdout is not None
    assert build.stdout.readline().strip() == "held"
    with pytest.raises(EnvironmentFaultError), private_lock(private, wait_s=0):
        pass
    build.kill()
    build.communicate()
    with private_lock(private, wait_s=1):
        pass


def test_spora_scheme_hashes_the_text_as_it_is() -> None:
    _, codes = Crosswalk().assign(
        [TissueRequest("CRC01 ", "x"), TissueRequest("CRC01", "x")], dataset=NAME, scheme=IdScheme.SPORA, key=None
    )
    assert codes[0].patient_id == spora_code("CRC01 ", crosswalk_module.IdKind.PATIENT) != codes[1].patient_id
