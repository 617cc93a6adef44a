"""OKX: one trading account, coin-margined swaps, v5 API. All that is OKX's own stands here."""
