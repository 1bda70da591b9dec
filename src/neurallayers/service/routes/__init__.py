"""The routes: each parses, asks the engine for one thing, and answers."""
