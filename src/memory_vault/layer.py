"""The memory of one user: checks arguments, calls the pipelines, and documents both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import anyio
from anyio import to_thread

from . import _arguments as check
from ._elsewhere import Elsewhere, anywhere, require_open
from ._ids import new_id
from ._tracing import Tracer
from .config import MemoryConfig
from .errors import InvalidInput, NotFound
from .models import (
    Change,
    ExportReport,
    ForgetReceipt,
    ImportReport,
    Job,
    JobState,
    Memory,
    MemoryType,
    Message,
    Page,
    Preference,
    Proof,
    RecallResult,
    SaveResult,
    Session,
    Stats,
)
from .vault import Vault

if TYPE_CHECKING:
    from .engine import Engine

_ASK_AGAIN_S = 0.3
"""Between two looks at a job of a vault that is elsewhere."""
_LOOK_S = 3_600.0
"""How often a layer looks for sessions to compress."""
_KEEP = check.KEEP
"""Stands for an argument of `update` that was not given."""


class MemoryLayer:
    """Save, recall and forget for one user.

    Many layers may share one vault; without one, the layer opens the vault of the data folder and
    closes it again. The constructor does no I/O. Any number of tasks may use one layer at once.
    Every call that is cancelled has either happened wholly or not at all.

    Example:
        async with MemoryLayer("alice") as memory:
            await memory.save("I moved to Lisbon in May.")
            block = (await memory.recall("Where do I live?")).prompt_block

    Args:
        user_id: Whose memory it is: 1 to 512 characters, told apart exactly as written.
        session_id: Session that `save` and the session methods use when they are given none.
        vault: An open vault to share, in this program or a server's; the layer never closes it.
        config: Settings for the vault that the layer opens itself.

    Raises:
        InvalidInput: If an id is empty, too long or holds NUL or a lone surrogate, or if both a
            vault and a config are given.
    """

    def __init__(
        self,
        user_id: str,
        *,
        session_id: str | None = None,
        vault: Vault | Elsewhere | None = None,
        config: MemoryConfig | None = None,
    ) -> None:
        if vault is not None and config is not None:
            raise InvalidInput("give vault= or config=, not both: the vault has its own settings")
        if not isinstance(vault, Vault | Elsewhere | None):
            raise InvalidInput("vault=: give a Vault or a RemoteVault, or None")
        self._user_id = check.name("user_id", user_id)
        self._session_id = check.optional_name("session_id", session_id)
        self._elsewhere: Elsewhere | None = vault if isinstance(vault, Elsewhere) else None
        self._vault = vault if isinstance(vault, Vault) else Vault(config)
        self._owns_vault = vault is None
        self._is_open = False
        self._next_look = 0.0

    def __repr__(self) -> str:
        return f"MemoryLayer({self._user_id!r}, session_id={self._session_id!r})"

    @property
    def _tracer(self) -> Tracer | None:
        return self._vault._tracer  # noqa: SLF001 - a layer's calls are its vault's

    @property
    def user_id(self) -> str:
        """Whose memory it is."""
        return self._user_id

    @property
    def session_id(self) -> str | None:
        """The session in which `save` puts memories when it is given none."""
        return self._session_id

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Open the vault if it is the layer's own, and end sessions that were left idle.

        Sessions past the configured threshold are compressed in the background from then on.
        Repeatable. Cancelled, it leaves the layer closed.

        Raises:
            StorageError: If the data folder cannot be used.
            ConfigError: If a setting is wrong, or another vault has the folder open otherwise.
        """
        if self._is_open:
            return
        if self._elsewhere is not None:
            self._elsewhere.require_open()
            self._is_open = True
            return
        if self._owns_vault:
            await self._vault.open()
        try:
            await self._look(self._vault.engine)
        except BaseException:
            if self._owns_vault:
                await self._vault.close()
            raise
        self._is_open = True

    async def _look(self, engine: Engine) -> None:
        """End idle sessions, have compressed what is past the threshold; often nothing is."""
        from .pipelines.compress import note_if_due, past_threshold
        from .pipelines.session import end_idle, idle

        self._next_look = anyio.current_time() + _LOOK_S
        is_idle, is_past = await engine.store.read(
            self._user_id,
            lambda user: (bool(idle(engine, user)), bool(past_threshold(engine, user))),
        )
        if is_idle:
            await end_idle(engine, self._user_id)
        if is_idle or is_past:
            await note_if_due(engine, self._user_id)

    async def _note_due(self, engine: Engine) -> None:
        """Have compressed what is past the threshold, and look again in an hour."""
        from .pipelines.compress import note_if_due

        self._next_look = anyio.current_time() + _LOOK_S
        await note_if_due(engine, self._user_id)

    async def close(self) -> None:
        """Close the vault if it is the layer's own. Repeatable; from any task."""
        was_open, self._is_open = self._is_open, False
        if was_open and self._owns_vault:
            await self._vault.close()

    @anywhere
    async def save(
        self,
        content: str | Message | Mapping[str, Any] | Sequence[Message | Mapping[str, Any]],
        *,
        role: str = "user",
        session_id: str | None = None,
        memory_type: MemoryType | None = None,
        occurred_at: datetime | None = None,
        origin: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> SaveResult:
        """Store a text, a message or a whole conversation; durable when it returns.

        A conversation is one transaction: all of it is stored or nothing. A text is kept word for
        word (NUL and lone surrogates become U+FFFD) and split for embedding, never cut.

        Args:
            content: A string, one message, or messages in the order in which they were said. A
                message is a `Message` or a mapping with "role", "content" and, if known,
                "occurred_at" and "metadata".
            role: Who said it, for a plain string: "user", "assistant", "tool", "system" or a
                speaker's name.
            session_id: The conversation; None for the layer's own.
            memory_type: None lets the router choose by the text.
            occurred_at: When it happened, for inputs that do not say; must be aware.
            origin: Who put it there, a class for trust with an optional detail ("tool:web"); None
                derives it from the role.
            metadata: A JSON object of at most 64 KB, for inputs that bring none.
            idempotency_key: For 24 hours, a second call with this key returns the first result.

        What the user states about themself is read from it (see `fact_sources`): each fact becomes
        a memory of its own, derived from this one, and replaces what was said of it before.

        Returns:
            What was stored and what was a duplicate of which memory; together, every input. Beside
            them, the preferences that were set and what became of facts.

        Raises:
            InvalidInput: If a text is blank or too long, a role, type, origin or time is not
                acceptable; nothing is stored then.
            IdempotencyConflict: If the key was used with other content.
            EmbedderMismatch: If the user's embeddings were made by another model.
            ModelNotInstalled: If the model's files are missing.
            StorageError: If it could not be stored; nothing is stored then.
        """
        engine = self._engine()
        from .pipelines.ingest import ingest

        checked = partial(
            check.messages,
            content,
            role=role,
            occurred_at=occurred_at,
            metadata=metadata,
            origin=origin,
            memory_type=memory_type,
            max_chars=engine.config.max_text_chars,
        )
        drafts = await to_thread.run_sync(checked) if check.is_large(content) else checked()
        if anyio.current_time() >= self._next_look:
            await self._note_due(engine)
        return await ingest(
            engine,
            self._user_id,
            drafts,
            session_id=check.optional_name("session_id", session_id) or self._session_id,
            key=check.optional_name("idempotency_key", idempotency_key),
        )

    @anywhere
    async def recall(
        self,
        query: str,
        *,
        top_k: int | None = None,
        token_budget: int | None = None,
        memory_types: Sequence[MemoryType] | None = None,
        roles: Sequence[str] | None = None,
        origins: Sequence[str] | None = None,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        include_compressed: bool = False,
    ) -> RecallResult:
        """Find what matters for a prompt and write it as a block within a token budget.

        Preferences come first and take a quarter of the budget at most. The block never exceeds
        the budget as the vault's token counter counts it.

        Args:
            query: The question or prompt to find memories for.
            top_k: Memories at most; None for the configured number.
            token_budget: Tokens of the block at most; None for the configured number.
            memory_types: Only these types; None for all.
            roles: Only memories said by these; None for all.
            origins: Only these classes of trust, or exact origins; None for all.
            session_id: Only this session; None for all sessions.
            since: Only what occurred then or later (if unknown: was recorded).
            until: Only what occurred before then.
            as_of: Show the world as it stood then: what had happened, facts valid at that moment.
            known_at: Show what the vault had been told by then.
            include_compressed: All memories for which a summary stands; without it, only those that
                match about as well as the best of the rest.

        Raises:
            InvalidInput: If the query is blank or an argument is not acceptable.
            EmbedderMismatch: If the user's embeddings were made by another model.
            ModelNotInstalled: If the model's files are missing.
        """
        engine = self._engine()
        from .pipelines.recall import Request, recall
        from .storage.index.user_index import Filters

        session = check.optional_name("session_id", session_id)
        filters = Filters(
            memory_types=check.memory_types(memory_types),
            roles=check.roles(roles),
            origins=check.origins(origins),
            session_id=session,
            since=check.moment("since", since),
            until=check.moment("until", until),
            as_of=check.moment("as_of", as_of),
            known_at=check.moment("known_at", known_at),
            include_compressed=include_compressed,
            current_session=session or self._session_id,
        )
        config = self._vault.config
        request = Request(
            query=check.text("query", query, config.max_text_chars),
            top_k=check.count("top_k", top_k, config.top_k),
            token_budget=check.count("token_budget", token_budget, config.token_budget),
            filters=filters,
            shows_user=config.block_user,
            shows_date=config.block_date,
        )
        return await recall(engine, self._user_id, request)

    @anywhere
    async def get(self, memory_id: str) -> Memory:
        """Return one memory as it is now.

        Raises:
            NotFound: If this user has no such memory.
        """
        wanted = check.name("memory_id", memory_id)
        found = await self._engine().store.read(
            self._user_id, lambda user: user.memories.get(wanted)
        )
        if found is None:
            raise NotFound(f"no memory {wanted!r}: list_memories() shows the ids there are")
        return found

    @anywhere
    async def list_memories(
        self,
        *,
        memory_type: MemoryType | None = None,
        session_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        include_compressed: bool = False,
        page_size: int = 50,
        cursor: str | None = None,
    ) -> Page[Memory]:
        """List memories, oldest recorded first.

        Args:
            memory_type: Only this type.
            session_id: Only this session.
            since: Only what occurred then or later (if unknown: was recorded).
            until: Only what occurred before then.
            include_compressed: Also memories for which a summary stands.
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before; only with the same filters.

        Raises:
            InvalidInput: If an argument or the cursor is not acceptable.
        """
        size, after = check.page("memories", page_size, cursor)
        type_ = check.memory_type(memory_type)
        session = check.optional_name("session_id", session_id)
        start, stop = check.moment("since", since), check.moment("until", until)
        return await self._engine().store.read(
            self._user_id,
            lambda user: user.memories.page(
                memory_type=type_,
                session_id=session,
                since=start,
                until=stop,
                include_compressed=include_compressed,
                size=size,
                after=after,
            ),
        )

    @anywhere
    async def update(
        self,
        memory_id: str,
        *,
        content: str = _KEEP,
        memory_type: MemoryType = _KEEP,
        importance: float = _KEEP,
        occurred_at: datetime | None = _KEEP,
        valid_from: datetime | None = _KEEP,
        valid_to: datetime | None = _KEEP,
        metadata: Mapping[str, Any] = _KEEP,
        if_revision: str | None = None,
    ) -> Memory:
        """Change a memory; the version before stays for `known_at` and `history`.

        Only what is given changes; None clears a time; `metadata` replaces the whole object. With
        `if_revision`, nothing changes unless the memory still is as it was read. Facts are read
        anew when the text changes or the time; those it no longer states hold no more.

        Raises:
            NotFound: If this user has no such memory.
            ChangedMeanwhile: If its `revision` is not `if_revision`.
            InvalidInput: If a value is not acceptable, or valid_to is not after valid_from.
        """
        engine = self._engine()
        from .pipelines.revise import revise

        changes = check.changes(
            max_chars=engine.config.max_text_chars,
            content=content,
            memory_type=memory_type,
            importance=importance,
            occurred_at=occurred_at,
            valid_from=valid_from,
            valid_to=valid_to,
            metadata=metadata,
            if_revision=if_revision,
        )
        wanted = check.name("memory_id", memory_id)
        return await revise(engine, self._user_id, wanted, changes)

    @anywhere
    async def history(self, memory_id: str) -> tuple[Change, ...]:
        """Return every version of a memory, oldest first.

        Raises:
            NotFound: If this user has no such memory.
        """
        wanted = check.name("memory_id", memory_id)
        found = await self._engine().store.read(
            self._user_id, lambda user: user.memories.history(wanted)
        )
        if not found:
            raise NotFound(f"no memory {wanted!r}: list_memories() shows the ids there are")
        return found

    @anywhere
    async def forget(
        self,
        memory_id: str | None = None,
        *,
        session_id: str | None = None,
        origin: str | None = None,
        recorded_before: datetime | None = None,
        proof: Proof = "quick",
        dry_run: bool = False,
        if_revision: str | None = None,
    ) -> ForgetReceipt:
        """Remove memories and all that was derived from them, versions included.

        Give exactly one selector. A preference or a fact that was read from a forgotten memory goes
        too, and what it had replaced comes back. A fact that other memories state too is made anew
        from them; one forgotten by its own id is not. Backups made before are outside its reach.

        Args:
            memory_id: This memory.
            session_id: All memories of this session.
            origin: All memories of this class of trust, or exactly this origin.
            recorded_before: All memories recorded before this moment.
            proof: "quick" overwrites the freed pages and empties the write-ahead log. "proven"
                also writes the file anew and searches every file that may hold something of the
                user, in a process of its own, for pieces of what was forgotten. Cancelled after
                the deletion, it has forgotten and proves nothing.
            dry_run: Only say what would be removed.
            if_revision: With `memory_id`: only if the memory still is as it was read.

        Raises:
            NotFound: If the memory or session does not exist.
            ChangedMeanwhile: If the memory's `revision` is not `if_revision`.
            InvalidInput: If not exactly one selector is given.
        """
        engine = self._engine()
        from .pipelines.forget import forget

        selector = check.selector(memory_id, session_id, origin, recorded_before, if_revision)
        return await forget(
            engine, self._user_id, selector, proof=check.proof(proof), dry_run=dry_run
        )

    @anywhere
    async def forget_all(self, *, confirm: bool, proof: Proof = "quick") -> ForgetReceipt:
        """Remove everything this user has: memories, sessions, preferences, history.

        The user stays known to the vault, empty; `Vault.forget_user` removes the user too.

        Raises:
            InvalidInput: If `confirm` is not True.
        """
        engine = self._engine()
        from .pipelines.forget import forget_all

        check.confirmed(confirm, f"everything of user {self._user_id!r}")
        return await forget_all(engine, self._user_id, proof=check.proof(proof))

    @anywhere
    async def stats(self) -> Stats:
        """Count what this user's vault holds."""
        return await self._engine().store.read(self._user_id, lambda user: user.stats())

    @anywhere
    async def set_preference(self, key: str, value: str, *, confidence: float = 1.0) -> Preference:
        """Set one preference; the value before stays in its history.

        Setting the value it already has changes nothing and returns the one that stands.

        Raises:
            InvalidInput: If the key or value is blank or longer than 200 and 2,000 characters, or
                the confidence is not from 0 to 1.
        """
        wanted = check.preference(key, value, confidence)
        return await self._engine().store.write(
            self._user_id, lambda user: user.preferences.set(*wanted, source=None), create=True
        )

    @anywhere
    async def list_preferences(self, *, include_history: bool = False) -> tuple[Preference, ...]:
        """Return the current preferences by key; with history, each key's former values too."""
        return await self._engine().store.read(
            self._user_id, lambda user: user.preferences.list(include_history=include_history)
        )

    @anywhere
    async def delete_preference(self, key: str) -> bool:
        """End one preference; say whether it was set. Its history stays until it is forgotten."""
        wanted = check.preference_key(key)
        return await self._engine().store.write(
            self._user_id, lambda user: user.preferences.delete(wanted)
        )

    async def start_session(
        self, session_id: str | None = None, *, metadata: Mapping[str, Any] | None = None
    ) -> Session:
        """Start a session, or go on with one, and make it this layer's own.

        Args:
            session_id: Its name; None makes a new one.
            metadata: A JSON object of at most 64 KB; replaces the one it has.
        """
        session = await self._start_session(session_id, metadata=metadata)
        self._session_id = session.id
        return session

    @anywhere
    async def _start_session(
        self, session_id: str | None, *, metadata: Mapping[str, Any] | None
    ) -> Session:
        engine = self._engine()
        wanted = check.optional_name("session_id", session_id) or new_id("ses")
        kept = check.optional_metadata(metadata)
        return await engine.store.write(
            self._user_id, lambda user: user.sessions.start(wanted, kept), create=True
        )

    async def end_session(self, session_id: str | None = None) -> Session:
        """End a session: what is worth keeping of its working memory becomes episodic.

        Working memory below the configured `keep_importance` is forgotten. Ending twice changes
        nothing.

        Args:
            session_id: Its name; None for this layer's own, which it then has no more.

        Raises:
            InvalidInput: If none is given and the layer has none.
            NotFound: If there is no such session.
        """
        require_open(self)
        wanted = check.optional_name("session_id", session_id) or self._session_id
        if wanted is None:
            raise InvalidInput("session_id=None: this layer has no session; name the one to end")
        session = await self._end_session(wanted)
        if wanted == self._session_id:
            self._session_id = None
        return session

    @anywhere
    async def _end_session(self, session_id: str) -> Session:
        engine = self._engine()
        from .pipelines.session import end

        session = await end(engine, self._user_id, session_id)
        await self._note_due(engine)
        return session

    @anywhere
    async def list_sessions(
        self,
        *,
        state: Literal["open", "ended"] | None = None,
        page_size: int = 50,
        cursor: str | None = None,
    ) -> Page[Session]:
        """List sessions, first started first.

        Args:
            state: "open" or "ended"; None for both.
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        size, after = check.page("sessions", page_size, cursor)
        wanted = check.session_state(state)
        return await self._engine().store.read(
            self._user_id, lambda user: user.sessions.page(state=wanted, size=size, after=after)
        )

    async def compress(self, *, wait: bool = False, force: bool = False) -> Job:
        """Let a summary stand for each session that is past its threshold, in the background.

        Of a session, what happened (episodic memories) is summarised in the sentences that carry
        it, word for word, with day and speaker. The originals are archived: `recall` leaves them to
        the summary unless they match a question about as well as the best of the rest, and
        `include_compressed` shows them all. Facts, preferences and working memory stay as they are.
        Each session is compressed wholly or not at all, and as often as something new was said in
        it; memories without a session never are.

        Happens by itself too: see `compress_after_days` among the settings.

        Args:
            wait: Return when it is finished; cancelled meanwhile, the job goes on.
            force: All sessions, whatever their age and size, open ones too.

        Returns:
            The job. `result` has the numbers of "sessions" and "memories" once it is done.
        """
        job = await self._compress(force=force)
        while wait and not job.is_finished:
            job = await self._later(job)
        return job

    @anywhere
    async def _compress(self, *, force: bool) -> Job:
        engine = self._engine()
        from .pipelines.compress import note

        return await note(engine, self._user_id, is_forced=force)

    async def _later(self, job: Job) -> Job:
        """A job when it is finished or, where the vault is elsewhere, after a moment."""
        if self._elsewhere is None:
            return await self._engine().runner.wait(self._user_id, job.id)
        await anyio.sleep(_ASK_AGAIN_S)
        return await self.get_job(job.id)

    @anywhere
    async def get_job(self, job_id: str) -> Job:
        """Return one piece of background work of this user, as it stands now.

        Raises:
            NotFound: If there is no such job.
        """
        wanted = check.name("job_id", job_id)
        return check.found_job(await self._engine().runner.job(self._user_id, wanted), wanted)

    @anywhere
    async def list_jobs(
        self, *, state: JobState | None = None, page_size: int = 50, cursor: str | None = None
    ) -> Page[Job]:
        """List background work of this user, first noted first.

        What was done or cancelled is listed for 30 days, what failed until it is tried again.

        Args:
            state: "waiting", "running", "done", "failed" or "cancelled"; None for all.
            page_size: From 1 to 1,000.
            cursor: `next_cursor` of the page before.
        """
        size, after = check.page("jobs", page_size, cursor)
        wanted = check.job_state(state)
        return await self._engine().runner.page(self._user_id, state=wanted, size=size, after=after)

    @anywhere
    async def cancel_job(self, job_id: str) -> Job:
        """End a job that is not finished; one that is stays as it is.

        Whoever runs it stops soon; nothing that it stored so far is undone.

        Raises:
            NotFound: If there is no such job.
        """
        wanted = check.name("job_id", job_id)
        return check.found_job(await self._engine().runner.cancel(self._user_id, wanted), wanted)

    @anywhere
    async def export(
        self,
        path: str | Path,
        *,
        overwrite: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> ExportReport:
        """Write everything this user has to a file: every version, with all its times.

        The file is JSON Lines in plain text, as docs/export-format.md says, and shows one moment,
        whatever is saved meanwhile. It appears whole or not at all.

        Args:
            path: Where to; the folder must exist. "~" is the home folder.
            overwrite: Whether a file that is there already may be replaced.
            progress: Called with the lines written and their number, now and then.

        Raises:
            TargetNotEmpty: If the file exists.
            InvalidInput: If the folder does not exist.
            StorageError: If it cannot be written.
        """
        engine = self._engine()
        from .portable.export import export

        target = check.file_path(path)
        return await export(engine, self._user_id, target, overwrite=overwrite, progress=progress)

    @anywhere
    async def import_(
        self,
        path: str | Path,
        *,
        origin: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Take over the file of an export, all of it or nothing.

        The user must have no memories, sessions or preferences. Embeddings of this vault's model
        are taken as they are; without them, or with another model's, texts are embedded anew.
        What the file says of users does not matter: everything becomes this user's.

        Args:
            path: The file. "~" is the home folder.
            origin: Who put these memories there, for all of them; None for what the file says.
                Give "import" for a file that you do not trust.
            progress: Called with the bytes read and the size of the file, now and then.

        Raises:
            TargetNotEmpty: If this user has something already.
            ImportRefused: If a line is not what the format says; the message has its number.
            InvalidInput: If there is no such file.
            ModelNotInstalled: If the model's files are missing.
            StorageError: If it could not be stored.
        """
        engine = self._engine()
        from .portable.import_ import import_

        source, trust = check.file_path(path), check.origin(origin)
        return await import_(engine, self._user_id, source, origin=trust, progress=progress)

    def _engine(self) -> Engine:
        """The engine to work with, if this is the right moment and event loop."""
        require_open(self)
        return self._vault.engine
