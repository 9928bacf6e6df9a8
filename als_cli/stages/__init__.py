"""One file per subcommand: config and paths in, frozen report out."""
