"""What it takes to write to Microsoft Teams: an Adaptive Card within its limit, what a workflow's answers mean."""
