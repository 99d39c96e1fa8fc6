"""What the columns of a table mean: which holds time, series and target, and how times and numbers are written."""
