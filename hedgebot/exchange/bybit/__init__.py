"""Bybit: unified trading account 2.0, inverse perpetuals, v5 API. All that is Bybit's own stands here."""
