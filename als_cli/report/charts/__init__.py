"""The charts of the report: one module per kind, which returns a Vega-Lite specification."""
