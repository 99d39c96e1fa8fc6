"""RNN, LSTM and GRU side by side: the same network and training otherwise, by torch's layers and by grucast's."""

from grucast.comparison.forecasts import compare as compare
from grucast.comparison.result import Comparison as Comparison
from grucast.comparison.textbook import compare_textbook as compare_textbook

__all__ = ["Comparison", "compare", "compare_textbook"]
