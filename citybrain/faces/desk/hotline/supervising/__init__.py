"""What the hotline's managers look at: how messages are read, what is late and by whom, how good answers are."""
