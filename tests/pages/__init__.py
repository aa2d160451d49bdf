"""The web page in a real Chromium.

A package, so that its fixtures end with it: while Playwright is open, asyncio.run fails in its thread.
"""
