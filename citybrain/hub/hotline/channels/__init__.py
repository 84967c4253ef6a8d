"""How a message comes in: each channel cleans what it is given and hands it to the one door (`door.take_in`)."""
