"""The only place that prints, shows progress, configures logging, and turns errors into exit codes."""
