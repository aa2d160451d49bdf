"""`send`: a CSV file to a list, with nothing configured."""
