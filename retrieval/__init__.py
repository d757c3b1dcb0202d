"""What the help centre says: sources, articles, passages and hits."""
