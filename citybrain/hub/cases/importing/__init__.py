"""Past requests of other systems become cases: a mapping file says which column is what."""
