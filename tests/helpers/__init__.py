"""What several tests use: made-up records and images, objectives, counts of places."""
