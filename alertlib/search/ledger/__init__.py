"""Every trial on the same bars, appended and never changed."""
