"""The host: sources, the store, the jobs that move a mention from stage to stage, and the scheduler."""
