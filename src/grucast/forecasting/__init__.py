"""The user's verbs: fit, predict, score, backtest."""
