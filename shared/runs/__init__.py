"""How a run goes: pin, send, confirm, close, each of them resumable."""
