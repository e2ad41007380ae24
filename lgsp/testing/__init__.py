"""Suites that every system passes, and what they are made of. Needs `lgsp[testing]`; the bus never loads it."""
