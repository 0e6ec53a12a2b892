"""Reading bars from files: every layout ends as one :class:`~alertlib.readers.table.Table`."""
