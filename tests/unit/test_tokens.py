from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_vault.errors import ConfigError
from memory_vault.text.tokens import OfflineCounter, TiktokenCounter, TokenCounter, token_counter

OFFLINE = OfflineCounter()
TEXTS = (
    st.text() | st.text(st.sampled_from("ab Z9.,-\n\t <>é猫")) | st.sampled_from(["", "\n", " "])
)

# Token counts of each text in cl100k_base and in o200k_base, taken from the tables.
KNOWN = [
    (
        "I moved to Berlin last spring and started working as a nurse in a children's hospital.",
        18,
        17,
    ),
    (
        "Could you remind me which restaurant we booked for Saturday evening, and at what time?",
        17,
        17,
    ),
    (
        "My sister's wedding is on June 14th, 2026, so I need to find a dress and a present "
        "before then.",
        28,
        28,
    ),
    (
        "Thanks! That makes sense. I'll try the shorter route first and let you know how it went.",
        21,
        20,
    ),
    (
        "- [2026-05-20, session s-12] user: We moved the orders service from MySQL to PostgreSQL.",
        26,
        28,
    ),
    (
        "def fuse(rankings: Sequence[Sequence[str]], *, k: int = 60) -> list[str]:\n"
        "    return sorted(scores, key=lambda one: (-scores[one], one))\n",
        38,
        38,
    ),
    (
        "<memory>\n<preferences>\n- answer style: concise, with code\n</preferences>\n</memory>",
        21,
        21,
    ),
    ("我昨天搬到了北京，下周开始新的工作。", 19, 11),
    ("昨日、新しいカメラを買いました。", 16, 10),
    ("어제 새 카메라를 샀어요.", 16, 11),
    ("ฉันชอบกินข้าวผัดกับไข่ดาว", 22, 13),
    ("أعيش في القاهرة وأعمل مهندسًا.", 25, 10),
    ("Я живу в Москве и работаю врачом.", 19, 11),
    ("मैं दिल्ली में रहता हूँ।", 26, 6),
    ("Ζω στην Αθήνα και δουλεύω ως δάσκαλος.", 34, 16),
    ("🙂🚀🏳️\u200d🌈👩\u200d👩\u200d👧", 27, 17),
    ("aGVsbG8gd29ybGQgZm9vYmFyIGJhemJheg==", 26, 21),
    ("3f2b8c1e-9d4a-4e77-b1c2-0a9f8e7d6c5b", 34, 34),
    ("https://www.example.org/a/long-ish/path?query=value&id=829311", 17, 17),
    ("+49 30 1234567, 3.14159, 1,000,000, 17:45", 26, 26),
    ("Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", 26, 25),
    ("WARNING: DO NOT UNPLUG THE REFRIGERATOR", 13, 12),
    ("qX7!vR2#mZ9$kL4%", 15, 15),
    ("| a | b |\n|---|---|\n| 1 | 2 |\n", 17, 17),
    ("\t\t- nested\n \t* mixed\n\n\n    deep", 12, 12),
]


@given(TEXTS | st.text(st.sampled_from("aB1. \n\t\r\x1c\u3000é"), max_size=12))
def test_words_cost_the_same_by_themselves_as_all_pieces_together(text: str) -> None:
    whole = -(-(OFFLINE._costs.of(text) + (0 if text.isspace() else 190)) // 100)
    assert OFFLINE.count(text) == (whole if text else 0)


@pytest.mark.parametrize(("text", "cl100k", "o200k"), KNOWN)
def test_offline_never_counts_too_little(text: str, cl100k: int, o200k: int) -> None:
    assert OFFLINE.count(text) >= max(cl100k, o200k)


def test_offline_is_near_on_ordinary_english() -> None:
    english = KNOWN[:4]
    counted = sum(OFFLINE.count(text) for text, _, _ in english)
    assert counted <= 1.3 * sum(max(cl100k, o200k) for _, cl100k, o200k in english)


@given(TEXTS, TEXTS)
def test_lines_of_one_text_cost_no_more_than_apart(one: str, two: str) -> None:
    assert OFFLINE.count(f"{one}\n{two}") <= OFFLINE.count(one) + OFFLINE.count(two) + 1


@given(TEXTS)
def test_same_text_same_count(text: str) -> None:
    assert OFFLINE.count(text) == OfflineCounter().count(text)
    assert (OFFLINE.count(text) == 0) == (text == "")


def test_a_million_characters_are_counted() -> None:
    for text in ("A1b+/" * 200_000, "z" * 1_000_000, " " * 1_000_000, "?" * 1_000_000):
        assert 0 < OFFLINE.count(text) < 1_500_000


def test_the_cache_stays_bounded() -> None:
    counter = OfflineCounter()
    counter.count(
        " ".join(f"w{'abcdefghij'[n % 10]}{chr(0x4E00 + n % 20_000)}{n}" for n in range(90_000))
    )
    assert len(counter._costs) <= 50_000


def test_offline_is_a_counter_by_name() -> None:
    counter: TokenCounter = token_counter("offline")
    assert counter.name == "offline"


@pytest.mark.parametrize("name", ["", "bytes", "tiktoken", "tiktoken:gpt2", "OFFLINE"])
def test_an_unknown_name_says_what_there_is(name: str) -> None:
    with pytest.raises(ConfigError, match="offline, tiktoken:cl100k_base"):
        token_counter(name)


@pytest.mark.parametrize("content", [None, b"damaged"])
def test_tiktoken_never_fetches_a_table(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
    table = tmp_path / hashlib.sha1(url.encode()).hexdigest()
    if content is not None:
        table.write_bytes(content)
    with pytest.raises(ConfigError, match="TIKTOKEN_CACHE_DIR"):
        token_counter("tiktoken:cl100k_base")
    assert content is None or table.read_bytes() == content


def test_a_cache_that_is_switched_off_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    with pytest.raises(ConfigError, match="not in tiktoken's cache"):
        TiktokenCounter("o200k_base")


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_tiktoken_counts_exactly(encoding: str) -> None:
    pytest.importorskip("tiktoken")
    try:
        counter = token_counter(f"tiktoken:{encoding}")
    except ConfigError:
        pytest.skip(f"the table of {encoding} is not on this machine")
    assert counter.name == f"tiktoken:{encoding}"
    place = 1 if encoding == "cl100k_base" else 2
    for row in KNOWN:
        assert counter.count(row[0]) == row[place]
    assert counter.count("<|endoftext|>") > 1
