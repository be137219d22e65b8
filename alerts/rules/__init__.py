"""One file per rule: a pure function of a mention and its settings; `alerts.registry` is the only importer."""
