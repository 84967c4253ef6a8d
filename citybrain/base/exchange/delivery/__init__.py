"""Data out: keys, compiled statements, the door, files, changes; and a receipt for everything that left."""
