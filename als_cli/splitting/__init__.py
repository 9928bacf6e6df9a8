"""Training sets and test sets: splits, test users, test periods, samples of users."""
