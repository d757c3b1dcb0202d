"""A sample help centre, flows, an order service and question sets, written for this project."""
