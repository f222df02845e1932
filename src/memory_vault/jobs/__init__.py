"""Background work: rows first, tasks second. `kinds.py` says what can be done."""
