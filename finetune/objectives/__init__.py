"""What a model is trained to do; each objective gives sums, so that micro-batches add up."""
