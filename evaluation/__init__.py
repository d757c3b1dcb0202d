"""Offline: answers, retrieval, intervals and reports."""
