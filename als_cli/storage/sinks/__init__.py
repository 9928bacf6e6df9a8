"""Where lists go: table formats, and the places they are published in."""
