"""The hotline on the desk: calls taken, tickets worked through, units answering, callers called back."""
