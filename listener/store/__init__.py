"""The store: what is kept, and the only place that commits."""
