"""The parts of bench/compare.py: one module a section, each with run() and render()."""
