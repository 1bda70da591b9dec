"""Networks that were described elsewhere: PyNN scripts, SONATA files, NIR graphs.

Each reader takes a subset, says which, and refuses what is outside by name.
"""
