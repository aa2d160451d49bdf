"""Finds the segments under SEGMENTS_URL, and the newest complete snapshot of each.

The layout of the folders and the model.json files make an index of segments. Each segment has candidates,
newest first; the first one that is complete is its snapshot.
"""
