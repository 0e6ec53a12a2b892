"""Reading bars from files: every layout ends as one :class:`~alertlib.bars.readers.table.Table`."""
