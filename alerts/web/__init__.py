"""How channels speak HTTP: addresses that are secrets, one careful request, and what its answer means."""
