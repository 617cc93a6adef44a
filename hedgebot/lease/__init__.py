"""edge: who may trade; a lock that at most one daemon holds for each store."""
