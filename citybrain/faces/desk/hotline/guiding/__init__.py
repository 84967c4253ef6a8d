"""What guides the hotline: hot topics, the knowledge it answers from, and the reports it gives."""
