"""The bar store: a directory of Parquet partitions with one manifest."""
