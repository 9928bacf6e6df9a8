"""Rules of lists: limits, slots for chosen items, items of single users, and what the rules did."""
