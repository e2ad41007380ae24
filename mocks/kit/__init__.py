"""What every mock is made of: a strict judge, faults, a clock that can be turned, a ledger, a control API."""
