"""Numbers only: the objective, solvers and engines of implicit-feedback ALS."""
