"""What a run found, and the form in which that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .abstention import abstention
from .compare import changes
from .eval_file import EvalFile, plan
from .journal import Journal
from .metrics import Row, percentile, summary


@dataclass(slots=True)
class Report:
    """What a run collected.

    Attributes:
        file: What was asked.
        rows: One a question, in the order of the file.
        search_ms: Duration of a recall with 2,000 tokens, question already embedded.
        embed_ms: Duration of embedding a question, not cached.
        baseline: The same questions by plain retrieval, None when it was not asked for.
        resumed: How many of the questions an earlier run had judged.
        reranked: What ordered how many of the best again, by name; None for nothing.
        journal: Where they are kept until the report is: remove it then.
    """

    file: EvalFile
    rows: list[Row] = field(default_factory=list)
    search_ms: list[float] = field(default_factory=list)
    embed_ms: list[float] = field(default_factory=list)
    baseline: list[Row] | None = None
    resumed: int = 0
    reranked: dict[str, str | int] | None = None
    journal: Journal | None = None

    def as_dict(self, file: str, commit: str | None) -> dict[str, Any]:
        """All figures in the form in which runs are kept and compared; no text of the file."""
        told = abstention(self.rows)
        return {
            "file": file,
            "digest": self.file.digest,
            "commit": commit,
            "conversations": len(plan(self.file.questions)),
            "resumed": self.resumed,
            **summary(self.rows),
            **({} if self.reranked is None else {"reranked": self.reranked}),
            **({} if told is None else {"abstention": told}),
            **({"compressed": found} if (found := _compressed(self.rows)) else {}),
            "latency_ms": self.latency_ms(),
            **({} if self.baseline is None else {"baseline": self._beside(self.baseline)}),
            "questions": self.rows,
        }

    def _beside(self, baseline: list[Row]) -> dict[str, Any]:
        """The baseline's summary, and in "gain" what recall has above it, question by question."""
        pairs = list(zip(baseline, self.rows, strict=True))
        return {**summary(baseline), "gain": changes(pairs)}

    def latency_ms(self) -> dict[str, float | None]:
        """Percentiles; `recall` is `search` plus the median of embedding a question."""
        embed = percentile(self.embed_ms, 0.5)
        found: dict[str, float | None] = {}
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            search = percentile(self.search_ms, share)
            both = search + embed if search is not None and embed is not None else None
            found[f"recall_{name}"] = both
            found[f"search_{name}"] = search
        return {
            **found,
            "embed_query_p50": embed,
            "embed_query_p95": percentile(self.embed_ms, 0.95),
        }


def _compressed(rows: list[Row]) -> dict[str, Any]:
    """Means: what is left in default recall, and what blocks took from the archive."""
    found = [one["compressed"] for one in rows if "compressed" in one]
    if not found:
        return {}
    budgets = found[0]["archived"]
    archived = {b: sum(one["archived"][b] for one in found) / len(found) for b in budgets}
    return {"visible": sum(one["visible"] for one in found) / len(found), "archived": archived}
