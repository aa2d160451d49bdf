"""From a partition's bytes to its rows.

A partition's chunks (partition_file, gunzip) become blocks of whole lines (blocks), blocks become records
(records), and the records below the header become rows (rows). Python's csv module reads plain lines, the
scanner all others.
"""
