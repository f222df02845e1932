from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from memory_vault.text.snippet import snippet
from memory_vault.text.tokens import OfflineCounter
from memory_vault.text.words import words


class WordCounter:
    """One token a word: easy to work out by hand."""

    name = "words"

    def count(self, text: str) -> int:
        return len(text.split())


TEXT = "We met in Rome. Dana paid 40 euros! It rained all day.\nThe train was late again."
COUNTER = WordCounter()


def cut(max_tokens: int, *spans: tuple[int, int], focus: str = "") -> str:
    return snippet(
        TEXT, spans, max_tokens=max_tokens, counter=COUNTER, focus=frozenset(words(focus)) or None
    )


def at(part: str) -> tuple[int, int]:
    return TEXT.index(part), TEXT.index(part) + len(part)


def test_what_fits_is_whole() -> None:
    assert cut(17) == TEXT


def test_spans_grow_to_sentences_in_text_order() -> None:
    assert cut(9, at("train"), at("paid")) == "The train was late again."
    assert cut(10, at("train"), at("paid")) == "Dana paid 40 euros! … The train was late again."


def test_whole_lines_where_each_needs_its_beginning() -> None:
    lines = "Ann: I paid 40 euros. It rained.\nBob: I was late.\nAnn: We left at nine."
    found = snippet(lines, [(30, 35), (0, 5)], max_tokens=12, counter=COUNTER, by_line=True)
    assert found == "Ann: I paid 40 euros. It rained.\nBob: I was late."


def test_neighbours_are_joined_as_they_stand() -> None:
    assert cut(8, at("Rome. Dana")) == "We met in Rome. Dana paid 40 euros!"
    assert cut(9, at("day.\nThe")) == "It rained all day.\nThe train was late again."


def test_sentences_with_the_words_of_the_question_come_first() -> None:
    assert cut(5, (0, len(TEXT))) == "We met in Rome."
    assert cut(5, (0, len(TEXT)), focus="Was it raining?") == "It rained all day."


def test_without_spans_it_begins_at_the_beginning() -> None:
    assert cut(4) == "We met in Rome."


def test_where_no_sentence_fits_words_are_kept_whole() -> None:
    assert cut(3, at("Dana")) == "Dana paid …"
    assert cut(0, at("Dana")) == ""
    assert snippet("x" * 500, [], max_tokens=2, counter=OfflineCounter()) == ""


@given(
    st.text(st.sampled_from("ab cd. \n!猫。"), max_size=200),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200))),
    st.integers(0, 40),
    st.sampled_from([WordCounter(), OfflineCounter()]),
)
def test_it_fits_and_every_piece_is_in_the_text(
    content: str,
    spans: list[tuple[int, int]],
    max_tokens: int,
    counter: WordCounter | OfflineCounter,
) -> None:
    found = snippet(content, spans, max_tokens=max_tokens, counter=counter)
    assert counter.count(found) <= max_tokens
    for piece in filter(None, found.removesuffix(" …").split(" … ")):
        assert any(_is_whole(content, found_at, len(piece)) for found_at in _places(content, piece))


def _places(content: str, piece: str) -> list[int]:
    return [at for at in range(len(content)) if content.startswith(piece, at)]


def _is_whole(content: str, start: int, length: int) -> bool:
    """Whether no word is cut at either end; scripts without spaces may be cut anywhere."""
    edges = content[max(start - 1, 0) : start + 1], content[start + length - 1 : start + length + 1]
    return not any(len(e) == 2 and e.isalpha() and "猫" not in e for e in edges)


def test_a_text_without_spaces_is_cut_between_characters() -> None:
    counter = OfflineCounter()
    for text in (
        "我们昨天去了海边，" * 40,
        "ก็" * 200,
        "https://example.com/" + "a1" * 300,
        '{"a":[' + "1," * 300,
    ):
        found = snippet(text, [], max_tokens=40, counter=counter)
        assert found.endswith(" …")
        assert text.startswith(found.removesuffix(" …"))
        assert 20 <= counter.count(found) <= 40


def test_letters_keep_their_marks_where_a_text_is_cut() -> None:
    counter = OfflineCounter()
    for sign in ("é", "ก็", "👩🏽‍💻", "ż̌"):
        found = snippet(sign * 200, [], max_tokens=30, counter=counter).removesuffix(" …")
        assert found
        assert found == sign * found.count(sign)


def test_what_is_cut_begins_at_the_best_span() -> None:
    said = " ".join(f"word{i}" for i in range(300))
    at = said.index("word200")
    found = snippet(said, [(at, at + 50), (0, 50)], max_tokens=6, counter=COUNTER)
    assert found == "… word200 word201 word202 word203 …"


def test_one_endless_line_is_not_counted_whole() -> None:
    class Counting(WordCounter):
        seen = 0

        def count(self, text: str) -> int:
            self.seen += len(text)
            return len(text) // 4

    counter = Counting()
    size = 400_000
    assert snippet("x" * size, [], max_tokens=50, counter=counter)
    assert counter.seen < 3 * size
