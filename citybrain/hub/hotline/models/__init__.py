"""What the hotline keeps: tickets and what happened to them; lines and callers; readings; topics; knowledge."""
