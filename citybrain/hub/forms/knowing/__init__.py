"""What the city knows for a form, by right: who lives where, each cell with source and day, answers, disputes."""
