"""edge: ccxt; strict conversion, error and fate tables, one file of facts per exchange, own rate limiter."""
