"""The vault of these tests is behind a server; that is all that differs."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="needs the extra server")
