"""The generic webhook: its documented JSON, and signatures as Standard Webhooks writes them."""
