// What one unit's gates pass on, from the gates as computed; the same for lanes of rows and lanes of units.

template <class V>
struct Gates {
  Vec<V> reset, update, candidate, recurrent;  // recurrent: after only
};

template <class V>
struct Passed {
  Vec<V> reset, update, recurrent, candidate, state;  // into the gates' sums, and straight into the state
};

template <class V>
inline Vec<V> slope_of_sigmoid(Vec<V> y) {
  return y * (V::broadcast(1) - y);
}

template <class V>
inline Passed<V> pass(const Gates<V> &g, Vec<V> state, Vec<V> gradient) {
  const Vec<V> one = V::broadcast(1);
  Passed<V> d;
  d.candidate = gradient * (one - g.update) * V::fma(-g.candidate, g.candidate, one);
  d.update = gradient * (state - g.candidate) * slope_of_sigmoid<V>(g.update);
  d.state = gradient * g.update;
  return d;
}

// reset_after: the candidate's recurrent share is reset * (W h + b).
template <class V>
inline Passed<V> pass_after(const Gates<V> &g, Vec<V> state, Vec<V> gradient) {
  Passed<V> d = pass<V>(g, state, gradient);
  d.recurrent = d.candidate * g.reset;
  d.reset = d.candidate * g.recurrent * slope_of_sigmoid<V>(g.reset);
  return d;
}

// reset before: the candidate's product sees reset * h, and `d_product` is the gradient of that.
template <class V>
inline void pass_before(Vec<V> reset, Vec<V> state, Vec<V> d_product, Vec<V> &d_reset, Vec<V> &d_state) {
  d_reset = d_product * state * slope_of_sigmoid<V>(reset);
  d_state = V::fma(d_product, reset, d_state);
}

// Whether anyone sees the gradient of the state before the step that comes at `place` in the order of computation.
template <class T>
inline bool wants_previous(const Direction<T> &n, long place) {
  return place > 0 || n.initial;
}
