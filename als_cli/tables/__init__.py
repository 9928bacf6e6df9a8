"""Tables of the outside world: any supported file, opened as a lazy scan."""
