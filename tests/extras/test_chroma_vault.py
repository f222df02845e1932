"""A vault with ChromaDB, embedded and served: all that is promised of an outer index, and more."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

import pytest
from tests.extras.chroma_server import ChromaServer
from tests.unit.test_outer_index import *  # noqa: F403 - the tests, which run here again

if importlib.util.find_spec("chromadb") is None:
    pytest.skip("chromadb is missing", allow_module_level=True)

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    with ChromaServer(tmp_path_factory.mktemp("chroma")) as server:
        yield server


@pytest.fixture(params=["asyncio embedded", "trio embedded", "trio served"])
def way(request: pytest.FixtureRequest) -> list[str]:
    return str(request.param).split()


@pytest.fixture
def anyio_backend(way: list[str]) -> str:
    return way[0]


@pytest.fixture
def make_index(way: list[str], request: pytest.FixtureRequest) -> Callable[[], str]:
    """The setting; the server is started for those who need it."""
    if way[1] == "embedded":
        return lambda: "chroma"
    url = request.getfixturevalue("server").url
    return lambda: f"chroma:{url}"
