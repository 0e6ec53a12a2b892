"""What happened around alerts and moves, as frames: read by explanations, figures and pages."""
