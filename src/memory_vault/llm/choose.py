"""From the name of a language model in the settings to the model."""

from __future__ import annotations

from .. import plugins
from ..errors import ConfigError
from . import LanguageModel

_SERVICES = ("openai", "anthropic")


def choose(
    name: str, api_key: str | None = None, *, timeout_s: float = 120.0, at_once: int = 2
) -> LanguageModel:
    """Make the language model that a setting names; nothing is reached until it is used.

    Args:
        name: A service's way of talking ("openai:", "anthropic:") with its address, and after a
            "#" the model; or a plugin's name.
        api_key: The service's key.
        timeout_s: Seconds for one answer.
        at_once: Answers that are waited for at once.

    Raises:
        ConfigError: If the name is none of these, or the URL or key is not acceptable.
    """
    kind, _, what = name.partition(":")
    if kind in _SERVICES and what:
        from .anthropic import ANTHROPIC
        from .http import HttpModel
        from .openai import OPENAI

        url, _, model = what.partition("#")
        style = OPENAI if kind == "openai" else ANTHROPIC
        return HttpModel(
            url, style=style, model=model, api_key=api_key, timeout_s=timeout_s, at_once=at_once
        )
    made = plugins.make("llms", kind, what, api_key, LanguageModel)  # type: ignore[type-abstract]
    if made is not None:
        return made
    services = ", ".join(f"'{one}:URL#MODEL'" for one in _SERVICES)
    raise ConfigError(  # without the name itself: a URL may hold what is not to be shown
        f"llm: {kind!r} is no kind, or nothing stands behind it: give {services}, the name of an "
        "installed plugin, an object that fulfils LanguageModel, or None"
    )
