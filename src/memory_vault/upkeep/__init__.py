"""Work on a whole vault: backup, restore, check and repair, another key."""
