"""Charts: one function each, from data and axes to artists."""
