"""`send`: exports a CSV file to a list without configuration."""
