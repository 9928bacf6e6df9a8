"""The sections of the report: one module per section, which collects its figures from stored artifacts."""
