"""Forms of the made-up city: what its offices ask for, from Excel to a round that is being filled."""
