"""Answers: whether a reply belongs to a message; drafts from what the city knows, each sentence with its source."""
