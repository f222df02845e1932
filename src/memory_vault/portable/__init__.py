"""One user's memory as a file of lines: written by export, read by import."""
