"""`liontrack report`: what came in, how good it was, how all fare. `figures.py` reads, `pages.py` writes."""
