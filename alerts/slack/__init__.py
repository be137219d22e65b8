"""What every way of talking to Slack shares: escaping, the message's layout, the wire, what its answers mean."""
