"""
Classification of sequences
===========================

Two kinds of machines hum at different speeds. The classifier hears recordings of unequal length and tells which
machine it is, and how sure it is.
"""

# %%
# Made-up recordings: a hum with noise, each at a speed and a loudness of its own. A slow fan sounds like a fast pump,
# so not all of them can be told apart.

import numpy as np
from matplotlib.figure import Figure

from grucast import GRUClassifier, NetworkConfig, TrainingConfig

rng = np.random.default_rng(1)
kinds = rng.choice(["pump", "fan"], size=300)
recordings = []
for kind in kinds:
    steps, loud = rng.integers(40, 90), rng.uniform(0.5, 2)
    speed = rng.normal(0.4 if kind == "pump" else 0.6, 0.06)
    hum = np.sin(speed * np.arange(steps) + rng.uniform(0, 6))
    recordings.append((loud * (hum + rng.normal(0, 0.5, steps)))[:, None])
print(len(recordings), "recordings of", min(map(len, recordings)), "to", max(map(len, recordings)), "steps")

# %%
# A list of arrays is taken as it is. Both directions read each recording; ``max_steps`` is small, omit it for real
# use.

network = NetworkConfig(hidden_size=24, bidirectional=True)
classifier = GRUClassifier(network, TrainingConfig(max_steps=250)).fit(recordings[:200], kinds[:200])
print(f"{classifier.score(recordings[200:], kinds[200:]):.0%} of 100 others are told right")

# %%
# The probabilities say where to listen again: between the bars at both ends. Some are far on the wrong side, where
# one kind hums as the other does.

probability = classifier.predict_proba(recordings[200:])[:, list(classifier.classes_).index("pump")]
figure = Figure(figsize=(7, 3.2), layout="constrained")
axes = figure.subplots()
for kind, color in (("pump", "#0072B2"), ("fan", "#E69F00")):
    axes.hist(probability[kinds[200:] == kind], bins=np.linspace(0, 1, 21), alpha=0.7, color=color, label=f"a {kind}")
axes.set(xlabel="probability that it is a pump", ylabel="recordings", title="What the classifier says of each")
axes.legend()
figure
