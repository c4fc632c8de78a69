"""Server-rendered pages over the API's views."""
