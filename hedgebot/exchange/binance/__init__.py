"""Binance: a spot wallet and a COIN-M wallet behind one account. All that is Binance's own stands here."""
