"""一张表: forms that fill themselves from the catalogue's data sets."""
