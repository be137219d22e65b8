"""What it takes to write to Discord: escaping, embeds within its limits, what its answers mean."""
