"""From help centres, question-answer files and past conversations to training examples."""
