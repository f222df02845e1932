"""How well a recall tells that it found no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .metrics import Row


def abstention(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Judge "not relevant" by the questions flagged as abstention; None without any.

    Returns:
        `n` and `n_abstention` questions; `n_abstention_with_gold`, those flagged although the file
        names evidence for them; `precision` and `recall` of "not relevant"; `auroc`, the odds
        that a question with an answer has the higher relevance, None when recall gives none.
    """
    told = [one for one in rows if one["is_relevant"] is not None]
    flagged = [one for one in told if one["abstention"]]
    if not flagged:
        return None
    refused = [one for one in told if not one["is_relevant"]]
    right = sum(one["abstention"] for one in refused)
    return {
        "n": len(told),
        "n_abstention": len(flagged),
        "n_abstention_with_gold": sum(bool(one["turn_ranks"]) for one in flagged),
        "precision": right / len(refused) if refused else None,
        "recall": right / len(flagged),
        "auroc": auroc(
            [one["relevance"] for one in told if not one["abstention"]],
            [one["relevance"] for one in flagged],
        ),
    }


def auroc(answerable: Sequence[float | None], flagged: Sequence[float | None]) -> float | None:
    """Share of the pairs in which the answerable one is higher; ties count half.

    None when a value is missing or one side is empty.
    """
    import numpy as np

    if not answerable or not flagged or None in answerable or None in flagged:
        return None
    high, low = np.array(answerable, np.float64), np.sort(np.array(flagged, np.float64))
    below = low.searchsorted(high, "left") + low.searchsorted(high, "right")
    return float(below.sum()) / (2 * len(high) * len(low))
