"""Training and test sets: splits, held-out pairs, periods, subsamples of users."""
