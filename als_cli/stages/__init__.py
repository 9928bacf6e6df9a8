"""One file per subcommand. Each stage takes the context and returns a frozen report."""
