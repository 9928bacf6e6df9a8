"""Output of lists: table formats, and publishing to a folder, a file or stdout."""
