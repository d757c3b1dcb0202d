"""The dialogue manager: what a message means, what is done about it, what is said."""
