"""The JSON bodies of requests. Only what is given is passed on to the library."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from .._arguments import MAX_MESSAGES
from .kinds import (
    Count,
    Flag,
    MemoryTypeName,
    Metadata,
    Moment,
    Name,
    Origin,
    PreferenceValue,
    ProofName,
    Role,
    Saying,
    Share,
    Text,
)

NOT_GIVEN: Any = None
"""Default of what may be left out; null itself is accepted only where it means something."""


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"examples": [values]})


class Body(BaseModel):
    """What all bodies have in common: no unknown names, and no value means not given."""

    def given(self) -> dict[str, Any]:
        """The arguments that were given, by name."""
        return self.model_dump(exclude_unset=True)


class MessageBody(Body):
    """One turn of a conversation."""

    model_config: ClassVar[ConfigDict] = _example(
        role="assistant", content="Noted: Lisbon, since May."
    )
    content: Text
    role: Role = Field(default=NOT_GIVEN)
    occurred_at: Moment | None = Field(default=NOT_GIVEN)
    metadata: Metadata | None = Field(default=NOT_GIVEN)


class SaveBody(Body):
    """What to save: a text, a message, or messages in the order in which they were said."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "if": {
                "properties": {"memory_type": {"const": "working"}},
                "required": ["memory_type"],
            },
            "then": {"required": ["session_id"]},
            "examples": [
                {
                    "content": "I moved to Lisbon in May.",
                    "session_id": "s-12",
                    "occurred_at": "2026-05-20T18:30:00Z",
                }
            ],
        },
    )
    content: (
        Text
        | MessageBody
        | Annotated[list[Text | MessageBody], Field(min_length=1, max_length=MAX_MESSAGES)]
    )
    role: Role = Field(default=NOT_GIVEN, description="Who said it, for a plain text.")
    session_id: Name = Field(default=NOT_GIVEN)
    memory_type: MemoryTypeName = Field(default=NOT_GIVEN)
    occurred_at: Moment = Field(default=NOT_GIVEN)
    origin: Origin = Field(default=NOT_GIVEN)
    metadata: Metadata = Field(default=NOT_GIVEN)
    idempotency_key: Name = Field(
        default=NOT_GIVEN, description="The same as the header, for keys that no header can carry."
    )


class RecallBody(Body):
    """What to find memories for."""

    model_config: ClassVar[ConfigDict] = _example(query="Where do I live?", token_budget=500)
    query: Text
    top_k: Count = Field(default=NOT_GIVEN)
    token_budget: Count = Field(default=NOT_GIVEN)
    memory_types: Annotated[list[MemoryTypeName], Field(min_length=1)] = Field(default=NOT_GIVEN)
    roles: Annotated[list[Saying], Field(min_length=1)] = Field(default=NOT_GIVEN)
    origins: Annotated[list[Origin], Field(min_length=1)] = Field(default=NOT_GIVEN)
    session_id: Name = Field(default=NOT_GIVEN, description="Only this session.")
    since: Moment = Field(default=NOT_GIVEN)
    until: Moment = Field(default=NOT_GIVEN)
    as_of: Moment = Field(default=NOT_GIVEN)
    known_at: Moment = Field(default=NOT_GIVEN)
    include_compressed: Flag = Field(default=NOT_GIVEN)
    current_session: Name = Field(
        default=NOT_GIVEN, description="The session that asks: its working memory is seen too."
    )


class UpdateBody(Body):
    """What to change; null clears a time, metadata replaces the whole object."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={"minProperties": 1, "examples": [{"importance": 0.9}]},
    )
    content: Text = Field(default=NOT_GIVEN)
    memory_type: MemoryTypeName = Field(default=NOT_GIVEN)
    importance: Share = Field(default=NOT_GIVEN)
    occurred_at: Moment | None = Field(default=NOT_GIVEN)
    valid_from: Moment | None = Field(default=NOT_GIVEN)
    valid_to: Moment | None = Field(default=NOT_GIVEN)
    metadata: Metadata = Field(default=NOT_GIVEN)


class ForgetBody(Body):
    """Which memories to forget: exactly one of the three."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["session_id"]},
                {"required": ["origin"]},
                {"required": ["recorded_before"]},
            ],
            "examples": [{"origin": "tool:web", "dry_run": True}],
        },
    )
    session_id: Name = Field(default=NOT_GIVEN)
    origin: Origin = Field(default=NOT_GIVEN)
    recorded_before: Moment = Field(default=NOT_GIVEN)
    proof: ProofName = Field(default="quick")
    dry_run: Flag = Field(default=False)


class PreferenceBody(Body):
    """The value of a preference."""

    model_config: ClassVar[ConfigDict] = _example(value="concise, with code")
    value: PreferenceValue
    confidence: Share = Field(default=1.0)


class StartBody(Body):
    """A session to start, or to go on with."""

    model_config: ClassVar[ConfigDict] = _example(session_id="s-12")
    session_id: Name = Field(default=NOT_GIVEN)
    metadata: Metadata = Field(default=NOT_GIVEN)


class CompressBody(Body):
    """Whether to compress sessions whatever their age and size."""

    model_config: ClassVar[ConfigDict] = _example(force=False)
    force: Flag = Field(default=False)


class CheckBody(Body):
    """Whether to put right what is found."""

    model_config: ClassVar[ConfigDict] = _example(repair=False)
    repair: Flag = Field(default=False)


class ReindexBody(Body):
    """Whose index to drop; nobody named means everybody's."""

    model_config: ClassVar[ConfigDict] = _example(user_id="alice")
    user_id: Name = Field(default=NOT_GIVEN)
