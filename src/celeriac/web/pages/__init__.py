"""The pages, one file per noun; each is a router over a Desk."""
