"""One system, measured in a process of its own; prints what was found as one line of JSON.

Usage: measure.py SYSTEM FOLDER TEXTS.json [again]     SYSTEM is a file beside this one

With "again", it is only opened once more, and what it holds is compared with the texts.
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

KB_PER_MB = 1_024
ALONE = 250
clock = time.perf_counter
asked_network: list[str] = []


def refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: nothing here may leave the machine, and what tries is noted."""
    if event == "socket.getaddrinfo" or (
        event == "socket.connect" and isinstance(arguments[1], tuple)
    ):
        asked_network.append(str(arguments[0] if event == "socket.getaddrinfo" else arguments[1]))
        raise OSError("the network is not used here")


def timed_ms(call: Callable[..., Any], *arguments: Any) -> float:
    begin = clock()
    call(*arguments)
    return (clock() - begin) * 1_000


def spread(times: list[float]) -> dict[str, float]:
    return {"p50": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1]}


def resident_mb() -> float:
    """What the process holds now; Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(one.split()[1]) for one in lines if one.startswith("VmRSS")) / KB_PER_MB


def beside_embedding(
    call: Callable[[str], Any], embed: Callable[[list[str]], Any], texts: list[str]
) -> dict[str, dict[str, float]]:
    """Times of the call, and of what is left when the same text's embedding alone is taken off."""
    whole, rest = [], []
    for text in texts:
        alone = timed_ms(embed, [text])
        whole.append(timed_ms(call, text))
        rest.append(whole[-1] - alone)
    return {"ms": spread(whole), "without_embedding_ms": spread(rest)}


def saved_texts(texts: dict[str, list[str]]) -> set[str]:
    return {*texts["first"], *texts["bulk"], *texts["single"]}


def measure(name: str, folder: Path, texts: dict[str, list[str]]) -> dict[str, Any]:
    begin = clock()
    module = importlib.import_module(name)
    system = module.System(folder)
    open_ms = (clock() - begin) * 1_000
    first_ms = timed_ms(system.save, texts["first"])
    bulk_per_s = len(texts["bulk"]) / timed_ms(system.save, texts["bulk"]) * 1_000
    system.recall(texts["questions"][0])
    resident = resident_mb()

    model = importlib.import_module("minilm").MiniLM()
    model.embed(texts["bulk"][:32])
    some = texts["bulk"][:ALONE]
    alone_per_s = len(some) / timed_ms(model.embed, some) * 1_000
    saves = beside_embedding(lambda text: system.save([text]), model.embed, texts["single"])
    recalls = beside_embedding(system.recall, model.embed, texts["questions"])
    found = [
        any(turn in one for one in system.recall(question))
        for question, turn in zip(texts["questions"], texts["turns"], strict=True)
    ]
    held = len(saved_texts(texts) & set(system.held()))
    system.close()
    return {
        "versions": {one: version(one) for one in module.DISTRIBUTIONS},
        "durable": module.DURABLE,
        "import_and_open_ms": open_ms,
        "first_save_ms": first_ms,
        "start_to_first_saved_ms": open_ms + first_ms,
        "bulk_texts_per_s": bulk_per_s,
        "embedder_alone_texts_per_s": alone_per_s,
        "save": saves,
        "recall": recalls,
        "found_share": sum(found) / len(found),
        "resident_mb": resident,
        "held": held,
    }


def opened_again(name: str, folder: Path, texts: dict[str, list[str]]) -> dict[str, Any]:
    begin = clock()
    system = importlib.import_module(name).System(folder)
    system.recall(texts["questions"][0])
    first_ms = (clock() - begin) * 1_000
    held = len(saved_texts(texts) & set(system.held()))
    system.close()
    return {"start_to_first_recall_ms": first_ms, "held_after_reopening": held}


def main() -> None:
    sys.addaudithook(refuse_network)
    name, folder, texts = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    task = opened_again if "again" in sys.argv[4:] else measure
    found = task(name, folder, json.loads(texts.read_text(encoding="utf-8")))
    print(json.dumps(found | {"asked_network": asked_network}), flush=True)


if __name__ == "__main__":
    main()
