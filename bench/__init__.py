"""Speed and memory, measured: `python -m bench [TABLE ...]` prints tables that docs/performance.md explains.

Each contender is a process of its own, and so is the stand-in Klaviyo; each figure is from one run. Nothing
here is deployed, and nothing is a test: there is no limit that a slow machine could fail.
"""
