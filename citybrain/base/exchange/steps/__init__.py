"""The steps of a run: land, read, check, merge, publish, measure. Each may be done twice with one outcome."""
