"""Near embeddings found by ChromaDB; everything else as always.

pip install 'memory-vault[chroma]'. Give the URL of a server (`chroma run`) to use that one;
without it ChromaDB runs in this process, with its files in the folder of the vault.
"""

import sys
import tempfile

import anyio

from memory_vault import MemoryConfig, MemoryLayer, Vault


async def main() -> None:
    index = f"chroma:{sys.argv[1]}" if len(sys.argv) > 1 else "chroma"
    with tempfile.TemporaryDirectory() as folder:
        config = MemoryConfig(data_dir=folder, index=index)
        async with Vault(config) as vault, MemoryLayer("alice", vault=vault) as memory:
            saved = await memory.save(
                ["The spare key is under the blue pot.", "I parked on level three."]
            )
            found = await memory.recall("Where is the key?", top_k=1)
            print(found.prompt_block)
            receipt = await memory.forget(saved.saved[0].id, proof="proven")
            print(f"forgotten: {receipt.state}, outer index: {receipt.proof['outer index']}")
            report = await vault.check()
            print(f"index: {(await vault.health()).index}, problems: {len(report.problems)}")


anyio.run(main)
