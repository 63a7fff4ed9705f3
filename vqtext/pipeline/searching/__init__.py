"""Where words and signal meet: free text → moments, free text → shapes, a piece of signal → its words."""
