"""The head of an export, its entry in a listing, and heads of earlier versions."""
