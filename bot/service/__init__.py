"""The HTTP service: a Reply over JSON or Server-Sent Events, and the page that talks to it."""
