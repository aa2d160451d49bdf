"""The head of an export, what a listing shows of it, and heads of the version before."""
