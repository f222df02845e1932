"""The journal of a run: what is read back, what is cut off, what it is kept by."""

import pytest

from memory_vault.bench import journal
from memory_vault.bench.journal import Journal

ROWS = [{"id": f"q{i}", "session": {"any@1": i / 3}} for i in range(3)]
KEY = {"file": "f", "code": "c"}


@pytest.fixture
def kept(tmp_path):
    one = Journal(tmp_path / "deep" / "folder", KEY)
    for row in ROWS:
        one.add(row, 1.5)
    return one


def test_what_was_added_is_read_back(kept, tmp_path):
    again = Journal(tmp_path / "deep" / "folder", dict(reversed(KEY.items())))
    assert again.read() == {row["id"]: (row, 1.5) for row in ROWS}


def test_none_is_empty(tmp_path):
    one = Journal(tmp_path, KEY)
    assert one.read() == {}
    one.remove()


@pytest.mark.parametrize("torn", [1, 2, 10, 40])
def test_a_torn_last_line_is_ignored_and_written_over(kept, torn):
    whole = kept.path.read_bytes()
    kept.path.write_bytes(whole[:-torn])
    assert list(kept.read()) == ["q0", "q1"]
    kept.add(ROWS[2], 1.5)
    assert kept.path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[1]\n", b'{"question": {}}\n', b"\xff\xfe\n",
                                  b'{"question": {"id": 3}, "search_ms": 1}\n'])  # fmt: skip
def test_what_is_no_entry_ends_it(kept, line):
    first, *others = kept.path.read_bytes().splitlines(keepends=True)
    kept.path.write_bytes(first + line + b"".join(others))
    assert list(kept.read()) == ["q0"]
    assert kept.path.read_bytes() == first


def test_removed_it_is_gone(kept):
    kept.remove()
    assert kept.read() == {}


@pytest.mark.parametrize("changes", [{"file": "g"}, {"code": "d"}, {"more": 1}])
def test_another_key_is_another_journal(kept, tmp_path, changes):
    assert Journal(tmp_path / "deep" / "folder", {**KEY, **changes}).read() == {}


def test_code_that_differs_has_another_digest(tmp_path, monkeypatch):
    (tmp_path / "package").mkdir()
    monkeypatch.setattr(journal, "_PACKAGE", tmp_path / "package")
    found = set()
    for name, text in (("a.py", "x = 1"), ("a.py", "x = 2"), ("b.json", "{}"), ("b.pyc", "")):
        (tmp_path / "package" / name).write_text(text)
        found.add(journal.source_digest.__wrapped__())
    assert len(found) == 3  # compiled files do not count
