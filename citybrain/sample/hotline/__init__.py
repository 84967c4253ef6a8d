"""The hotline of the made-up city: a fortnight's tickets in every state, knowledge, and what many speak of now."""
