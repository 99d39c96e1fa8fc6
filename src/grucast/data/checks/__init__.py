"""What is in data, what is wrong with them, and what gives the target away."""
