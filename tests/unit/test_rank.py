"""The ranking of a user's memories: every signal counts, and only what is visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from memory_vault.storage.index import IndexRow
from memory_vault.storage.index.rank import WEIGHTS, Question, rank
from memory_vault.storage.index.user_index import Filters, UserIndex
from memory_vault.testing.index_suite import ListedTruth, unit_rows

DIMENSION = 16
NOWHERE = np.zeros(DIMENSION, np.float32)
EVERYTHING = Filters()
EMBEDDINGS = unit_rows(40, DIMENSION, seed=9)


def chunk(number: int, *words: int) -> tuple[bytes, bytes]:
    return EMBEDDINGS[number % 40].tobytes(), np.array(words, "<u4").tobytes()


@dataclass(frozen=True)
class Found:
    """One memory of a ranking, all of it at once."""

    version: int
    row: int
    score: float
    signals: dict[str, float]
    chunks: list[int]


class Vault:
    """A user who saved some memories; each alone in its session unless told otherwise."""

    def __init__(self) -> None:
        self.truth = ListedTruth(DIMENSION, batch=1_000)
        self.index = UserIndex(DIMENSION)

    def save(self, *chunks: tuple[bytes, bytes], **given: object) -> IndexRow:
        plain = {
            "memory_type": "episodic",
            "compressed": False,
            "occurred_at": None,
            "valid_from": None,
            "valid_to": None,
            "origin": "user",
            "role": "user",
            "importance": 0.0,
        }
        row = self.truth.save(chunks=chunks, session_id=None, **plain)
        if given:
            row = row._replace(**given)
            self.truth.rows[row.version] = row
        return row

    def rank(
        self,
        *words: int,
        filters: Filters = EVERYTHING,
        limit: int = 100,
        room: int | None = None,
        **given: object,
    ) -> list[Found]:
        self.index.refresh(self.truth)
        asked = {"embedding": NOWHERE, "words": np.array(words, np.uint32), **given}
        found = rank(
            self.index, Question(**asked), self.index.visible(filters), limit=limit, room=room
        )
        return [
            Found(
                int(found.versions[at]),
                int(found.rows[at]),
                float(found.scores[at]),
                found.signals([at])[0],
                found.chunks(at),
            )
            for at in range(len(found))
        ]


@pytest.fixture
def vault() -> Vault:
    return Vault()


def test_it_finds_the_word_and_the_embedding(vault: Vault) -> None:
    rows = [vault.save(chunk(n, n)) for n in range(30)]
    found = vault.rank(7, embedding=EMBEDDINGS[11], limit=2)
    assert {one.version for one in found} == {rows[7].version, rows[11].version}
    by_version = {one.version: one for one in found}
    assert by_version[rows[11].version].signals["dense"] == pytest.approx(1, abs=1e-5)
    assert by_version[rows[11].version].signals["lexical"] == 0
    assert by_version[rows[7].version].signals["lexical"] > 0


def test_nothing_visible_gives_nothing(vault: Vault) -> None:
    assert vault.rank(1) == []
    vault.save(chunk(1, 1))
    assert vault.rank(1, filters=Filters(roles=("nobody",))) == []
    assert vault.rank(1, limit=0) == []


def test_a_question_without_words_and_meaning_ranks_by_place(vault: Vault) -> None:
    versions = [vault.save(chunk(n, n)).version for n in range(12)]
    assert [one.version for one in vault.rank()] == versions
    assert [one.version for one in vault.rank(limit=5)] == versions[:5]


def test_a_memory_counts_by_its_best_chunk(vault: Vault) -> None:
    vault.save(chunk(1, 1, 1, 1), chunk(2, 2, 2, 2))
    best = vault.save(chunk(3, 3, 3, 3), chunk(4, 4, 4, 4), chunk(5, 3, 4, 4))
    found = vault.rank(4, embedding=EMBEDDINGS[4])
    assert found[0].version == best.version
    assert found[0].chunks[0] == 1
    assert sorted(found[0].chunks) == [0, 1, 2]
    assert found[0].row == 3


def test_neighbours_lend_their_score(vault: Vault) -> None:
    talk = [vault.save(chunk(n, n), session_id="talk") for n in range(1, 4)]
    for n in range(4, 12):
        vault.save(chunk(n, n))
    found = vault.rank(2)
    middle, before, after = talk[1].version, talk[0].version, talk[2].version
    assert [one.version for one in found[:3]] == [middle, before, after]
    assert found[1].signals["beside"] > 0


def test_a_session_lends_its_words(vault: Vault) -> None:
    talk = [vault.save(chunk(n, 20 + n), session_id="talk") for n in range(1, 7)]
    for n in range(7, 12):
        vault.save(chunk(n, n))
    by_version = {one.version: one for one in vault.rank(21)}
    assert by_version[talk[5].version].signals["session"] == 1
    assert by_version[talk[5].version].signals["beside"] == 0
    assert by_version[talk[5].version].score == pytest.approx(WEIGHTS["session"])


@pytest.mark.parametrize("seed", range(6))
def test_what_was_read_never_moves_what_was_said(vault: Vault, seed: int) -> None:
    """However near the question it is, and wherever it stands, with a session or without."""
    random = np.random.default_rng(seed)

    def some(**given: object) -> int:
        words = random.integers(1, 12, random.integers(1, 6)).tolist()
        parts = [chunk(int(random.integers(9)), *words) for _ in range(random.integers(1, 3))]
        session = [None, "a", "b"][random.integers(3)]
        return vault.save(*parts, **{"session_id": session, **given}).version

    said = [some(importance=float(random.random())) for _ in range(20)]
    words, embedding = random.integers(1, 12, 3).tolist(), EMBEDDINGS[seed]
    before = {one.version: one for one in vault.rank(*words, embedding=embedding)}
    assert sorted(before) == said
    for _ in range(30):
        some(is_read=True, memory_type="semantic", session_id=None, recorded_at=10)
    vault.save(chunk(seed, *words), is_read=True, memory_type="semantic")
    after = [one for one in vault.rank(*words, embedding=embedding) if one.version in before]
    assert [one.version for one in after] == list(before)
    for one in after:
        assert one.score == pytest.approx(before[one.version].score, abs=1e-5)


def test_what_is_hidden_lends_nothing_and_separates_nothing(vault: Vault) -> None:
    first = vault.save(chunk(1, 1), session_id="talk")
    hidden = vault.save(chunk(2, 2), session_id="talk", role="tool")
    second = vault.save(chunk(3, 3), session_id="talk")
    vault.save(chunk(4, 4))
    filters = Filters(roles=("user",))
    assert all(one.score == 0 for one in vault.rank(2, filters=filters))
    found = vault.rank(3, filters=filters)
    assert [one.version for one in found[:2]] == [second.version, first.version]
    assert found[1].signals["beside"] > 0
    assert hidden.version not in {one.version for one in found}


def test_former_versions_do_not_separate_neighbours(vault: Vault) -> None:
    first = vault.save(chunk(1, 1), session_id="talk", memory_type="episodic")
    second = vault.save(chunk(2, 2), session_id="talk")
    vault.save(chunk(4, 4))
    vault.rank(1)
    vault.truth.replace(first.version)
    newest = max(vault.truth.rows)
    vault.truth.rows[newest] = vault.truth.rows[newest]._replace(
        chunks=(chunk(1, 1),), memory_type="episodic", compressed=False
    )
    found = {one.version: one for one in vault.rank(2)}
    assert first.version not in found
    lent = found[second.version].score - WEIGHTS["session"]
    assert found[newest].signals["beside"] == pytest.approx(lent)


def test_room_limits_what_is_looked_at(vault: Vault) -> None:
    """Each takes 10 tokens and 15 more for its line; 100 are given in any case."""
    for n in range(130):
        vault.save(chunk(n, 1), token_count=10)
    assert (
        len(vault.rank(1, limit=200, room=110 * 25))
        == 110
        == len(vault.rank(1, limit=200, room=110 * 25 - 1))
    )
    assert len(vault.rank(1, limit=200, room=110 * 25 + 1)) == 111
    assert len(vault.rank(1, limit=200, room=1)) == 100
    assert len(vault.rank(1, limit=200, room=1 << 60)) == 130


def test_of_what_is_archived_only_what_is_nearly_the_best_of_the_rest_is_given(
    vault: Vault,
) -> None:
    seen = vault.save(chunk(1, 7), session_id="s")
    good = vault.save(chunk(2, 7, 7), session_id="t")
    bad = vault.save(chunk(3, 8), session_id="u")
    vault.index.refresh(vault.truth)
    rows = np.ones(3, np.bool_)
    asked = Question(EMBEDDINGS[1], np.array([7], np.uint32))

    def found(*archived: int) -> list[int]:
        hidden = np.isin(vault.index.column("version"), archived)
        ranking = rank(vault.index, asked, rows, limit=9, archived=hidden)
        assert [one["archived"] for one in ranking.signals(range(len(ranking)))] == [
            float(version in archived) for version in ranking.versions
        ]
        return ranking.versions.tolist()

    first, second, third = seen.version, good.version, bad.version
    assert found() == [first, second, third]
    assert found(third) == [first, second]
    assert found(second, third) == [first]
    assert found(first, third) == [first, second]
    assert found(first, second, third) == [first, second, third], "there is nothing else"


def test_two_turns_away_lends_less(vault: Vault) -> None:
    talk = [vault.save(chunk(n, n), session_id="talk") for n in range(1, 5)]
    by_version = {one.version: one for one in vault.rank(1)}
    signals = [by_version[row.version].signals for row in talk]
    assert [one["beside"] > 0 for one in signals] == [False, True, False, False]
    assert [one["beyond"] > 0 for one in signals] == [False, False, True, False]
    assert WEIGHTS["beyond"] < WEIGHTS["beside"]


def test_importance_decides_between_equals(vault: Vault) -> None:
    vault.save(chunk(1, 1))
    better = vault.save(chunk(1, 1), importance=0.5)
    found = vault.rank(1)
    assert found[0].version == better.version
    assert found[0].score - found[1].score == pytest.approx(0.5 * WEIGHTS["importance"])


def test_the_speaker_asked_for_comes_first(vault: Vault) -> None:
    vault.save(chunk(1, 1), role="Ada")
    bob = vault.save(chunk(1, 1), role="Bob")
    found = vault.rank(1, speakers=frozenset({"Bob", "Nobody"}))
    assert found[0].version == bob.version
    assert found[0].signals["speaker"] == 1
    assert found[1].signals["speaker"] == 0
    assert "speaker" not in vault.rank(1)[0].signals


def test_the_newer_of_equals_comes_first_and_a_time_asked_for_before_it(vault: Vault) -> None:
    day = 86_400_000_000
    old = vault.save(chunk(1, 1), occurred_at=100 * day)
    new = vault.save(chunk(1, 1), occurred_at=200 * day)
    assert [one.version for one in vault.rank(1)] == [old.version, new.version]
    found = vault.rank(1, moment=201 * day)
    assert [one.version for one in found] == [new.version, old.version]
    found = vault.rank(1, moment=201 * day, spans=((99 * day, 101 * day),))
    assert [one.version for one in found] == [old.version, new.version]
    assert found[0].signals["time"] == 1


def test_the_order_does_not_depend_on_how_it_was_read(vault: Vault) -> None:
    for n in range(60):
        vault.save(chunk(n, n % 7, n % 5), session_id=f"s{n % 9}")
        if n % 13 == 0:
            vault.rank(1)
    anew = UserIndex(DIMENSION)
    anew.refresh(vault.truth)
    found = vault.rank(3, 4, embedding=EMBEDDINGS[3])
    vault.index = anew
    again = vault.rank(3, 4, embedding=EMBEDDINGS[3])
    assert [one.version for one in found] == [one.version for one in again]
