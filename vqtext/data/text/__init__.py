"""Text files, Parquet files and pandas DataFrames → tables of numbers, words and times."""
