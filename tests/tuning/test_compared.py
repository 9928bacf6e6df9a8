"""What is stored about the trials of `auto`."""
