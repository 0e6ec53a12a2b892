"""Figures, by plotly, which is imported when the first is made."""
