"""Other systems: neighbouring cities' hotlines and the police, by signed calls, each hand-over with its trail."""
