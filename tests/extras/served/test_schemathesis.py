"""A running server against its own description: every check on every operation, no failure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from tests.extras.served import processes

from memory_vault import MemoryConfig, Vault
from memory_vault.access import RIGHTS, ApiKey, new_secret
from memory_vault.testing.embedders import HashEmbedder

pytest.importorskip("schemathesis", reason="needs schemathesis")

CONFIG = """
hooks = "formats.py"

[checks]
max_response_time = 120
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412"]
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "409", "412", "413", "415", "422",
]

[[operations]]
include-name = "POST /v1/users/{user_id}/import"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]

[[operations]]
include-name = "PATCH /v1/users/{user_id}/memories/{memory_id}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "412", "422"]
"""
"""A precondition may fail; no schema says which text is a whole export, or from when to when the
memory is valid that a change of one end meets."""
FORMATS = """
import base64, json
import schemathesis
from hypothesis import strategies as st

def cursor(listing, last):
    packed = json.dumps([listing, 1, last]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")

for listing in ("memories", "sessions", "users", "jobs"):
    given = st.builds(cursor, st.just(listing), st.text("abc", min_size=1))
    schemathesis.openapi.format(f"cursor-of-{listing}", given)
@schemathesis.serializer("application/x-ndjson")
def lines(_, value):
    return str(value).encode("utf-8", "replace")

etags = st.sampled_from(["*", '"0123456789abcdef0123456789abcdef"', 'W/"x"'])
schemathesis.openapi.format("etag", etags)
"""
"""What a format is that only this server knows."""


async def _make_key(data_dir: Path) -> str:
    from datetime import UTC, datetime

    key_id, secret = new_secret()
    key = ApiKey(key_id, "", None, RIGHTS, datetime.now(UTC))
    async with Vault(MemoryConfig(data_dir=data_dir, embedder=HashEmbedder())) as vault:
        await vault.engine.store.with_api_keys(lambda keys: keys.add(key, secret))
    return secret


def test_no_generated_request_finds_a_fault(tmp_path: Path) -> None:
    key = anyio.run(_make_key, tmp_path / "vault")
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    (tmp_path / "formats.py").write_text(FORMATS)
    port = processes.free_port()
    limits = {"rate_per_user": "0", "rate_per_key": "0"}
    with processes.server(processes.uvicorn(port), tmp_path / "vault", port, **limits):
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(tmp_path / "schemathesis.toml")),
            *("run", f"http://127.0.0.1:{port}/openapi.json"),
            *("--header", f"Authorization: Bearer {key}"),
            *("--checks", "all", "--mode", "all", "--no-color"),
            # The same requests each time, but for ids and times that the server made. "stateful"
            # never is, nor anything with a --max-time, which is used up: by hand.
            *("--phases", "examples,coverage,fuzzing", "--generation-deterministic"),
            *("--max-examples", "8"),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8_000:]
