"""A small order service for the sample shop, for the flows to talk to."""
