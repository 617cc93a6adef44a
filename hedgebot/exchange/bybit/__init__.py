"""Bybit: unified trading account 2.0, inverse and linear contracts, v5 API. All its own stands here."""
