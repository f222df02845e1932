"""Tell an answer from the nearest noise: how likely a vault holds what a question asks for."""

from __future__ import annotations

import math

COSINE, COVERAGE, BIAS = 8.7, 7.5, -7.6
"""Fitted by logistic regression; see docs/benchmarks.md, "Nothing relevant here"."""
THRESHOLD = 0.5


def relevance(cosine: float, coverage: float) -> float:
    """How likely the vault says something about a question, from 0 to 1.

    1 / (1 + exp(7.6 - 8.7 cosine - 7.5 coverage)), calibrated with all-MiniLM-L6-v2 on questions
    asked of the conversation they belong to and of another one, as often the one as the other. A
    question about the right topic with the wrong detail ("my hamster", where only a cat was ever
    spoken of) cannot be told this way.

    Args:
        cosine: The best cosine of the question with any visible chunk.
        coverage: The largest share of the question's words, weighed by how rare they are, that one
            visible chunk holds; see `Postings.coverage`.
    """
    return 1 / (1 + math.exp(-(COSINE * cosine + COVERAGE * coverage + BIAS)))
