"""One file per channel; `alerts.registry` is the only module that imports them."""
