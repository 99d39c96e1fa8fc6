"""What a trained model is: its configuration, its file and its forecast in NumPy, without torch."""
