"""Speed, memory and weights, always beside a baseline measured in the same run."""
