"""Learning Convolutions from Scratch: β-LASSO, its networks, and the runs behind the book."""
