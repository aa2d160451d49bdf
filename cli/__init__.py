"""The command `segment-export`: a thin layer over shared/ and sandbox/."""
