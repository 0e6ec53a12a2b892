"""Detectors declared, chosen and run bar by bar: the live core. No array, no frame, no compiler."""
