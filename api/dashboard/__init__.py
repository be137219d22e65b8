"""Pages: templates, what fills them, and the small script that keeps them up to date."""
