"""
The textbook's example
======================

A GRU learns the last value of noisy sines, and then the honest task: the value after the last one it sees. No PyTorch
is needed.
"""

# %%
# The data are the textbook's, bit for bit: 300 sines of random frequency and phase, with noise of 0.1.

import numpy as np

from grucast import GRURegressor, NetworkConfig, TrainingConfig, plotting
from grucast.data.synthetic import noisy_sines

X, y = noisy_sines()
print(X.shape, y.shape)

# %%
# A GRU of 32 units and a linear layer, Adam at 0.005, 100 epochs over all 240 training sequences. The losses and the
# errors below are those that the textbook prints with ``torch.nn.GRU``.

network = NetworkConfig(hidden_size=32)
training = TrainingConfig(
    max_steps=100, batch_size=240, learning_rate=0.005, schedule="constant", gradient_clip=None, seed=42
)
copying = GRURegressor(network, training).fit(X[:240], y[:240])
print([round(copying.history_[epoch - 1], 6) for epoch in (20, 40, 60, 80, 100)])

error = copying.predict(X[240:]) - y[240:]
print(f"MSE {np.mean(error**2):.6f}, MAE {np.mean(np.abs(error)):.6f}")

# %%
# That is far below the noise, since the target is the last value of the network's own input: it need only copy. Hide
# that value, and repeating the value before becomes what there is to beat.

honest = GRURegressor(network, training).fit(X[:240, :-1], y[:240])
error = honest.predict(X[240:, :-1]) - y[240:]
naive = X[240:, -2] - y[240:]
print(f"one step ahead: MSE {np.mean(error**2):.6f}, repeating the last value {np.mean(naive**2):.6f}")

# %%
# Both losses on one scale: copying is soon learned, and what is left of the honest task is mostly noise.

plotting.plot_loss({"copy the last value": copying.history_, "one step ahead": honest.history_})
