"""Errors as problem details: stable, complete, and silent about the machine."""

from __future__ import annotations

import json
import pickle

import pytest

from memory_vault import errors
from memory_vault.errors import MEANINGS, MemoryVaultError
from memory_vault.problem import headers, problem_details

CLASSES = {
    one.code: one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, MemoryVaultError)
}
SECRET = "/srv/vault/users/ab/c.db"


@pytest.mark.parametrize("code", sorted(MEANINGS))
def test_every_error_has_its_document(code: str) -> None:
    document = json.loads(json.dumps(problem_details(CLASSES[code](SECRET)).as_json()))
    assert document.keys() == {"type", "title", "status", "detail", "code"}
    assert document["type"] == f"urn:memory-vault:error:{code}"
    assert document["status"] == MEANINGS[code].http_status
    assert document["code"] == code


@pytest.mark.parametrize("code", sorted(MEANINGS))
def test_only_what_a_client_can_mend_is_told_in_full(code: str) -> None:
    details = problem_details(CLASSES[code](SECRET))
    assert (details.detail == SECRET) == (details.status < 500)
    assert (SECRET in details.detail) == (details.status < 500)


def test_what_passes_says_when_to_try_again() -> None:
    again = {code for code in MEANINGS if headers(CLASSES[code]("x"))}
    passing = {"backend_unavailable", "storage_busy", "not_open", "timed_out", "rate_limited"}
    assert again == passing


def test_a_refused_rate_says_how_long_it_is() -> None:
    error = errors.RateLimited("x")
    assert headers(error) == {"retry-after": "1"}
    error.wait_s = 19.2
    assert headers(pickle.loads(pickle.dumps(error))) == {"retry-after": "20"}
