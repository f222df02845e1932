"""The blocking classes do what the async ones do, and refuse where they would hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import anyio
import pytest

from memory_vault import (
    BlockingCallRefused,
    InvalidInput,
    MemoryConfig,
    MemoryLayerSync,
    NotOpen,
    Vault,
    VaultSync,
    _portal,
)


@pytest.fixture(params=["asyncio", "trio"], autouse=True)
def backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(_portal, "BACKEND", request.param)
    return str(request.param)


@pytest.fixture
def vault(hash_config: MemoryConfig) -> Iterator[VaultSync]:
    with VaultSync(hash_config) as vault:
        yield vault


def test_save_and_recall(hash_config: MemoryConfig) -> None:
    with MemoryLayerSync("ada", config=hash_config) as memory:
        saved = memory.save("The blue bicycle is in the cellar.").saved
        assert memory.recall("Where is the bicycle?").memories[0].memory == saved[0]
        assert memory.list_memories().items == saved
        with pytest.raises(InvalidInput, match="blank"):
            memory.save(" ")


def test_layers_share_a_vault(vault: VaultSync) -> None:
    with MemoryLayerSync("ada", vault=vault) as ada, MemoryLayerSync("bob", vault=vault) as bob:
        ada.save("tea")
        assert bob.stats().total == 0
        assert [user.user_id for user in vault.list_users().items] == ["ada"]
    assert vault.health().is_ok


def test_many_threads(vault: VaultSync) -> None:
    with MemoryLayerSync("ada", vault=vault) as memory:
        threads = [threading.Thread(target=memory.save, args=(f"note {i}",)) for i in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert memory.stats().total == 12


def test_many_threads_many_layers(vault: VaultSync) -> None:
    failures: list[BaseException] = []

    def work(user: str) -> None:
        try:
            with MemoryLayerSync(user, vault=vault) as memory:
                for i in range(5):
                    memory.save(f"{user} notes {i}")
                assert memory.stats().total == 5
        except Exception as error:  # noqa: BLE001 - shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"user {i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(vault.list_users().items) == 6


def test_update_changes_only_what_is_given(vault: VaultSync) -> None:
    with MemoryLayerSync("ada", vault=vault) as memory:
        before = memory.save("The blue bicycle is in the cellar.").saved[0]
        after = memory.update(before.id, importance=0.9)
        assert (after.content, after.importance) == (before.content, 0.9)


def test_a_vault_of_the_other_kind_is_refused(hash_config: MemoryConfig) -> None:
    with pytest.raises(InvalidInput, match="VaultSync"):
        MemoryLayerSync("ada", vault=Vault(hash_config))  # type: ignore[arg-type]


def test_a_refused_close_leaves_it_open(hash_config: MemoryConfig, backend: str) -> None:
    async def close(memory: MemoryLayerSync) -> None:
        with pytest.raises(BlockingCallRefused):
            memory.close()

    with MemoryLayerSync("ada", config=hash_config) as memory:
        anyio.run(close, memory, backend=backend)
        memory.save("tea")


def test_one_loop_thread_for_all(hash_config: MemoryConfig, vault: VaultSync) -> None:
    before = threading.active_count()
    with VaultSync(hash_config), VaultSync(hash_config):
        assert threading.active_count() <= before + 1


def test_refused_inside_a_running_loop(hash_config: MemoryConfig, backend: str) -> None:
    async def main() -> None:
        with pytest.raises(BlockingCallRefused, match="await"):
            MemoryLayerSync("ada", config=hash_config).open()

    anyio.run(main, backend=backend)


def test_allowed_in_a_notebook(
    hash_config: MemoryConfig, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_portal, "BACKEND", "asyncio")

    async def main() -> None:
        with MemoryLayerSync("ada", config=hash_config, allow_running_loop=True) as memory:
            assert len(memory.save("tea").saved) == 1

    anyio.run(main, backend=backend)


def test_refused_after_a_fork(vault: VaultSync) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            vault.health()
        except BlockingCallRefused:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_close_twice_then_open_again(hash_config: MemoryConfig) -> None:
    memory = MemoryLayerSync("ada", config=hash_config)
    with pytest.raises(NotOpen):
        memory.save("tea")
    for _ in range(2):
        memory.open()
        memory.save("tea", session_id="s")
        memory.close()
        memory.close()
    with memory:
        assert memory.stats().total == 1


INTERRUPTED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job inherits none
from memory_vault import MemoryConfig, VaultSync, MemoryLayerSync
from memory_vault.testing.embedders import HashEmbedder
config = MemoryConfig(data_dir=sys.argv[1], embedder=HashEmbedder())
with VaultSync(config) as vault, MemoryLayerSync("ada", vault=vault) as memory:
    count = 0
    try:
        while True:
            memory.save(f"note {count}")
            count += 1
            if count == 1:
                print("ready", flush=True)
    except KeyboardInterrupt:
        pass
    assert memory.stats().total in (count, count + 1)
print("closed", flush=True)
"""


def test_interrupted_it_can_be_closed(tmp_path: object) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, f"{tmp_path}/vault"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert out == "closed\n"
    assert child.returncode == 0
