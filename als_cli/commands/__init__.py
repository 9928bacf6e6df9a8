"""The subcommands: each parses its arguments, calls one stage and prints its report."""
