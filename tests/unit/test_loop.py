"""The event loop is never held up: by public calls, or by what is known to keep Python's lock."""

from __future__ import annotations

import ast
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import apsw
import pytest
from tests.faults.test_cancel import CALLS, _set_up

import memory_vault
from memory_vault import MemoryConfig, MemoryLayer, Vault
from memory_vault._arguments import LARGE_CHARS, LARGE_MESSAGES, MAX_METADATA_BYTES
from memory_vault.errors import InvalidInput
from memory_vault.storage.sqlite.connection import close
from memory_vault.testing.loop import LoopWatch, blocking_calls

pytestmark = pytest.mark.anyio

ROOT = Path(memory_vault.__file__).parent
PATIENCE_S = 30


# the helper itself --------------------------------------------------------------------------------


async def test_a_loop_that_is_blocked_is_noticed() -> None:
    async with LoopWatch() as watch:
        await anyio.sleep(0.002)
        time.sleep(0.05)
    assert watch.max_s > 0.04
    assert watch.quantile(1.0) == watch.max_s
    assert sum(watch.histogram().values()) >= watch.ticks
    assert watch.histogram([20])["> 20 ms"] >= 20  # whoever came meanwhile waited, too


async def test_a_loop_goes_round_beside_a_thread() -> None:
    """The thread ends only when the loop has gone on beside it."""
    async with LoopWatch() as watch:
        was_there = await anyio.to_thread.run_sync(_until, lambda: watch.ticks >= 20)
    assert was_there
    assert watch.ticks >= 20


def _until(is_so: Callable[[], bool]) -> bool:
    """Wait in a thread, without keeping Python's lock."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.001)
    return is_so()


async def test_an_error_passes_the_watch_unchanged() -> None:
    with pytest.raises(LookupError):
        async with LoopWatch():
            raise LookupError("from the body")


async def test_a_watch_with_nothing_seen_has_zeros() -> None:
    watch = LoopWatch()
    assert (watch.max_s, watch.quantile(0.99), watch.ticks) == (0.0, 0.0, 0)
    assert set(watch.histogram().values()) == {0}


async def test_blocking_calls_of_this_thread_are_found(tmp_path: Path) -> None:
    connection = apsw.Connection(":memory:")
    with blocking_calls() as found:
        time.sleep(0)
        (tmp_path / "file").exists()
        connection.execute("SELECT 1").fetchall()
        await anyio.to_thread.run_sync(time.sleep, 0)
        os.getpid()
    connection.close()
    kinds = [one.split(" in ")[0] for one in found]
    assert kinds[:2] == ["time.sleep", "posix.stat"]
    assert "apsw.Connection.execute" in kinds
    assert kinds.count("time.sleep") == 1


# public calls -------------------------------------------------------------------------------------


@pytest.fixture
async def vault(hash_config: MemoryConfig):
    async with Vault(replace(hash_config, durability="process")) as vault:
        yield vault


async def test_no_public_call_blocks(vault: Vault) -> None:
    """Twice each: at its first call it may import what it needs."""
    for name, call in CALLS.items():
        for turn in ("first", "second"):
            memory, memory_id = await _set_up(vault, f"{name} {turn}")
            with blocking_calls() as found:
                await call(vault, memory, memory_id)
        assert found == [], name


async def test_opening_and_closing_do_not_block(hash_config: MemoryConfig) -> None:
    for _ in range(2):
        with blocking_calls() as found:
            async with MemoryLayer("alice", config=hash_config) as memory:
                await memory.save("I live in Lisbon.")
    assert found == []


async def test_the_model_blocks_nothing(model_config: MemoryConfig) -> None:
    async with MemoryLayer("alice", config=model_config) as memory:
        await memory.save("I live in Lisbon.")
        await memory.recall("Where do I live?")
        with blocking_calls() as found:
            await memory.save(["I work at the harbour. " * 100, "I have a dog."])
            assert (await memory.recall("Where do I work?")).memories
    assert found == []


async def test_the_first_save_and_recall_import_nothing_here(model_config: MemoryConfig) -> None:
    """In a process of its own: what they need is loaded while the vault opens, in a thread."""
    source = """\
import sys, anyio
from memory_vault import MemoryConfig, MemoryLayer
async def main():
    async with MemoryLayer("alice", config=MemoryConfig(data_dir=sys.argv[1])) as memory:
        with anyio.fail_after(60):
            while not memory._vault.engine.embedder._engine:
                await anyio.sleep(0.01)
        before = set(sys.modules)
        await memory.save("I live in Lisbon.")
        print(*[one for one in set(sys.modules) - before if one.startswith("memory_vault")])
anyio.run(main)
"""
    command = [os.sys.executable, "-c", source, str(model_config.data_dir)]
    done = await anyio.run_process(command)
    assert done.stdout.decode().split() == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("a" * (LARGE_CHARS + 1), id="a long text"),
        pytest.param(["x" * (LARGE_CHARS + 1)], id="a long text in a list"),
        pytest.param(["short"] * (LARGE_MESSAGES + 1), id="many texts"),
    ],
)
async def test_large_input_is_checked_in_a_worker_thread(
    content: Any, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    from memory_vault import _arguments

    threads: set[int] = set()
    text = _arguments.text

    def noted(*given: Any) -> str:
        threads.add(threading.get_ident())
        return text(*given)

    monkeypatch.setattr(_arguments, "text", noted)
    async with MemoryLayer("alice", vault=vault) as memory:
        await memory.save(content)
        assert threading.get_ident() not in threads
        with pytest.raises(InvalidInput, match="blank"):
            await memory.save(["good"] * LARGE_MESSAGES + [" "])


async def test_what_is_checked_on_the_loop_has_a_bounded_size(vault: Vault) -> None:
    """JSON and regular expressions keep Python's lock for as long as they run."""
    async with MemoryLayer("alice", vault=vault) as memory:
        with pytest.raises(InvalidInput, match="metadata is larger"):
            await memory.save("text", metadata={"a": "x" * MAX_METADATA_BYTES})
        with pytest.raises(InvalidInput, match="at most 10000"):
            await memory.save(["text"] * 10_001)
        with pytest.raises(InvalidInput, match="characters"):
            await memory.save("x" * 1_000_001)


# what keeps Python's lock -------------------------------------------------------------------------


def _calls(folder: str) -> list[tuple[str, str, ast.Call]]:
    """File, function and call of each call in a folder."""
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                found += [
                    (path.name, function.name, node)
                    for node in ast.walk(function)
                    if isinstance(node, ast.Call)
                ]
    return found


def test_transactions_end_by_statements() -> None:
    """`with connection:` keeps the lock through its COMMIT; `execute` lets go of it."""
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "storage").rglob("*.py"))
    assert 'execute("COMMIT")' in source
    for path in (ROOT / "storage").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.With):
                names = {ast.unparse(item.context_expr) for item in node.items}
                assert not names & {"connection", "db", "self._db", "source", "target"}, path


def test_closing_a_connection_writes_its_log_out_first(tmp_path: Path) -> None:
    """`Connection.close` would write it with the lock held, were it the last one."""
    path = tmp_path / "file.db"
    first, second = apsw.Connection(str(path)), apsw.Connection(str(path))
    first.execute("PRAGMA journal_mode=WAL").fetchall()
    first.execute("CREATE TABLE t (x)")
    first.execute("INSERT INTO t VALUES (?)", ("the row that is looked for",))
    second.execute("SELECT * FROM t").fetchall()
    assert b"the row that is looked for" not in path.read_bytes()
    close(first)
    assert b"the row that is looked for" in path.read_bytes()
    second.close()


NOTHING_TO_WRITE = {
    *("_fill", "_is_being_made", "_unlink", "_publish", "_read"),
    *("close", "connect", "opened"),
}
"""Functions that close a connection whose log is empty, or that has none."""


def test_no_other_connection_is_closed() -> None:
    for name, function, call in _calls("storage/sqlite"):
        if ast.unparse(call.func) in {"connection.close", "db.close", "self._db.close"}:
            assert function in NOTHING_TO_WRITE, f"{name}: {function}"


def test_texts_are_tokenised_by_calls_that_let_go_of_the_lock() -> None:
    """`Tokenizer.encode` keeps it for all of a long text, `encode_batch` does not."""
    for folder in ("embed", "rerank"):
        for name, function, call in _calls(folder):
            if ast.unparse(call.func).endswith("tokenizer.encode"):
                assert all(isinstance(one, ast.Constant) for one in call.args), (name, function)


async def test_the_loop_goes_on_while_a_long_text_is_tokenised(model_config: MemoryConfig) -> None:
    """The loop comes round between the start and the end of one call in a thread."""
    async with MemoryLayer("alice", config=model_config) as memory:
        embedder = memory._vault.engine.embedder
        await embedder.open()
        marks: list[int] = []
        async with LoopWatch() as watch:

            def tokenise() -> None:
                _until(lambda: watch.ticks > 0)
                for _ in range(200):
                    marks.append(watch.ticks)
                    embedder.token_spans("A long text about the harbour. " * 4_000)
                    if watch.ticks - marks[0] > 20:
                        break

            await anyio.to_thread.run_sync(tokenise)
    assert watch.ticks - marks[0] > 20


def test_no_search_shares_a_product_with_a_thread_that_it_would_wait_for() -> None:
    """Rows are multiplied one by one, or in blocks too small to be shared."""
    searching = [*(ROOT / "storage" / "index").glob("*.py"), ROOT / "pipelines" / "recall.py"]
    found = {
        (path.name, function.name)
        for path in searching
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Attribute) and node.attr in {"dot", "matmul", "inner"})
    }
    assert found == {("dense.py", "cosines_between"), ("dense.py", "estimates")}
