#include "layer.h"

#include <algorithm>
#include <vector>

#include "dispatch.h"
#include "memory.h"
#include "threads.h"

namespace grucast {
namespace {

// Groups of rows whose gradients are summed apart: more would cost memory, fewer leave threads idle. A group's sums are
// cleared, filled and added, which only pays when so many steps of rows go into them.
constexpr long kGroups = 32, kFewGroups = 2, kStepsOfGroup = 256;

// Sums that are kept at once, or those of one direction: directions beyond them wait.
constexpr long kMostSums = 4000000;

// Shares of the sums that threads add up; fewer sums than kSmallSums are not worth waking one for.
constexpr long kShares = 16, kSmallSums = 1000000;

// Less work than this many multiply-adds isn't worth waking a thread for.
constexpr double kSmallWork = 4e5;

// Lanes of a tile cost the same when empty: few rows go one at a time.
bool few_rows(long batch, long hidden) { return batch <= (hidden <= 64 ? 8 : 4); }

template <class T>
const Kernels<T> &kernels();
template <>
const Kernels<float> &kernels() {
  return target().f32;
}
template <>
const Kernels<double> &kernels() {
  return target().f64;
}

template <class T>
const typename Kernels<T>::Path &path(const Direction<T> &n) {
  return few_rows(n.batch, n.hidden) ? kernels<T>().rows : kernels<T>().tiles;
}

template <class T>
long items(const Direction<T> &n) {
  return few_rows(n.batch, n.hidden) ? n.batch : (n.batch + kLanes - 1) / kLanes;
}

template <class T>
int useful_threads(const Direction<T> *directions, long count, int threads) {
  double work = 0;
  for (const Direction<T> *n = directions; n < directions + count; ++n)
    work += 3.0 * n->hidden * (n->hidden + n->inputs) * n->batch * n->steps;
  return work < kSmallWork ? 1 : threads;
}

template <class T>
long groups_of(const Direction<T> &n) {
  return std::min(items(n), std::clamp(n.batch * n.steps / kStepsOfGroup, kFewGroups, kGroups));
}

// One of `of` groups of a direction's rows.
struct Group {
  long direction, number, of;
};

// Whether all have the same weights, to be used alike.
template <class T>
bool share_weights(const Direction<T> *directions, long count) {
  return std::all_of(directions, directions + count, [a = *directions](const Direction<T> &b) {
    return a.weight_ih == b.weight_ih && a.weight_hh == b.weight_hh && a.bias_ih == b.bias_ih && a.bias_hh == b.bias_hh &&
           !a.initial == !b.initial;
  });
}

// The directions' packed weights, one after the other; slices of a batch share theirs.
template <class T>
struct Packed {
  long size;
  bool shared;
  T *data;
  Packed(const Direction<T> *directions, long count, const typename Kernels<T>::Work &work)
      : size(padded(work.packed_size(*directions))),
        shared(share_weights(directions, count)),
        data(workspace<T>(Slot::packed, (shared ? 1 : count) * size)) {
    for (long i = 0; i < (shared ? 1 : count); ++i) work.pack(directions[i], data + i * size);
  }
  const T *of(long i) const { return shared ? data : data + i * size; }
};

// One group's sums, one after the other in memory.
template <class T>
struct Sums {
  long hidden, input, size;
  explicit Sums(const Direction<T> &n)
      : hidden(3 * n.hidden * padded(n.hidden)),
        input(3 * n.hidden * padded(n.inputs)),
        size(hidden + input + padded(4 * n.hidden)) {}
  Partial<T> at(T *from, long group) const {
    T *p = from + group * size;
    return {p, p + hidden, p + hidden + input};
  }
  // The only group's sums of the state's weights need no copy where rows of both are equally long.
  static bool straight(const Direction<T> &n, const Gradients<T> &g, long groups) {
    return groups == 1 && n.hidden == padded(n.hidden) && g.weight_hh;
  }
};

// Adds the groups' rows `from`..`to` in order; rows of the result are `columns` long, of the sums `ld`.
template <class T>
void reduce(const T *sums, long groups, long size, long from, long to, long columns, long ld, T *result) {
  if (!result) return;
  for (long j = from; j < to; ++j) {
    T *row = result + j * columns;
    std::copy_n(sums + j * ld, columns, row);
    for (long g = 1; g < groups; ++g)
      for (long k = 0; k < columns; ++k) row[k] += sums[g * size + j * ld + k];
  }
}

// One of kShares shares of the gradients' rows.
template <class T>
void finish(const Direction<T> &n, const Gradients<T> &g, const Sums<T> &sums, T *partials, long groups, long share) {
  const long h = n.hidden, from = share * 3 * h / kShares, to = (share + 1) * 3 * h / kShares;
  const Partial<T> p = sums.at(partials, 0);
  if (!sums.straight(n, g, groups)) reduce(p.hidden, groups, sums.size, from, to, h, padded(h), g.weight_hh);
  reduce(p.input, groups, sums.size, from, to, n.inputs, padded(n.inputs), g.weight_ih);
  if (share) return;
  reduce(p.bias, groups, sums.size, 0, 1, 3 * h, 3 * h, g.bias_hh);
  reduce(p.bias, groups, sums.size, 0, 1, 2 * h, 2 * h, g.bias_ih);
  const long from_x = (n.reset_after ? 3 : 2) * h;
  reduce(p.bias + from_x, groups, sums.size, 0, 1, h, h, g.bias_ih ? g.bias_ih + 2 * h : nullptr);
}

template <class T>
void clear_weights(const Direction<T> &n, const Gradients<T> &g) {
  const auto zero = [](T *p, long size) {
    if (p) std::fill_n(p, size, T(0));
  };
  zero(g.weight_hh, 3 * n.hidden * n.hidden), zero(g.weight_ih, 3 * n.hidden * n.inputs);
  zero(g.bias_hh, 3 * n.hidden), zero(g.bias_ih, 3 * n.hidden);
}

template <class T>
void backward_together(const Direction<T> *directions, const Gradients<T> *gradients, long count, int threads) {
  const auto &way = path(*directions);
  const long scratch = way.backward_work.scratch_size(*directions);
  const Packed<T> weights(directions, count, way.backward_work);
  const Sums<T> sums(*directions);
  std::vector<Group> groups;
  std::vector<long> first;  // of each direction's groups
  for (long i = 0; i < count; ++i) {
    first.push_back(long(groups.size()));
    for (long group = 0, of = groups_of(directions[i]); group < of; ++group) groups.push_back({i, group, of});
  }
  first.push_back(long(groups.size()));
  const long all = long(groups.size());
  T *partials = workspace<T>(Slot::partials, all * sums.size);
  // Last group first: what forward saved last is still in the cache.
  parallel(all, useful_threads(directions, count, threads), [&](long place) {
    const FlushDenormals guard;
    const auto &[i, group, of] = groups[all - 1 - place];
    Partial<T> partial = sums.at(partials, all - 1 - place);
    if (sums.straight(directions[i], gradients[i], of)) partial.hidden = gradients[i].weight_hh;
    std::fill_n(partial.hidden, sums.hidden, T(0));
    std::fill_n(partial.input, sums.size - sums.hidden, T(0));
    T *own = workspace<T>(Slot::scratch, scratch);
    const long each = items(directions[i]);
    for (long item = group * each / of; item < (group + 1) * each / of; ++item)
      way.backward(directions[i], gradients[i], weights.of(i), item, own, partial);
  });
  if (!all) {
    for (long i = 0; i < count; ++i) clear_weights(directions[i], gradients[i]);
    return;
  }
  parallel(count * kShares, all * sums.size < kSmallSums ? 1 : threads, [&](long place) {
    const long i = place / kShares, from = first[i];
    finish(directions[i], gradients[i], sums, partials + from * sums.size, first[i + 1] - from, place % kShares);
  });
}

}  // namespace

long saved_size(long batch, long steps, long hidden) {
  if (few_rows(batch, hidden)) return batch * steps * 4 * padded(hidden);
  return (batch + kLanes - 1) / kLanes * kLanes * steps * 4 * hidden;
}

template <class T>
void gru_forward(const Direction<T> *directions, long count, int threads) {
  const auto &way = path(*directions);
  const Packed<T> weights(directions, count, way.forward_work);
  const long each = items(*directions), scratch = way.forward_work.scratch_size(*directions);
  parallel(count * each, useful_threads(directions, count, threads), [&](long item) {
    const FlushDenormals guard;
    const long i = item / each;
    way.forward(directions[i], weights.of(i), item % each, workspace<T>(Slot::scratch, scratch));
  });
}

template <class T>
void gru_backward(const Direction<T> *directions, const Gradients<T> *gradients, long count, int threads) {
  long now = 0;
  for (long sums = 0; now < count; ++now) {
    sums += groups_of(directions[now]) * Sums<T>(directions[now]).size;
    if (now && sums > kMostSums) break;
  }
  backward_together(directions, gradients, now, threads);
  if (now < count) gru_backward(directions + now, gradients + now, count - now, threads);
}

template <class T>
void linear(const Linear<T> &n, int threads) {
  const long panels = (n.outputs + kLanes - 1) / kLanes;
  if (double(n.rows) * n.inputs * n.outputs < kSmallWork) threads = 1;
  const long parts = panels < threads ? threads : 1;  // of the rows; where they are cut is without effect
  parallel(panels * parts, threads, [&](long item) {
    const FlushDenormals guard;
    const long part = item % parts;
    kernels<T>().linear(n, item / parts * kLanes, n.rows * part / parts, n.rows * (part + 1) / parts,
                        workspace<T>(Slot::scratch, n.inputs * kLanes));
  });
}

template <class T>
void linear_backward(const Linear<T> &n, const LinearGradients<T> &g, int threads) {
  const T one = 1;
  if (g.x) linear(Linear<T>{n.rows, n.outputs, n.inputs, g.y, n.outputs, 1, n.weight, true, nullptr, g.x}, threads);
  linear(Linear<T>{n.outputs, n.rows, n.inputs, g.y, 1, n.outputs, n.x, true, nullptr, g.weight}, threads);
  linear(Linear<T>{1, n.rows, n.outputs, &one, 0, 0, g.y, true, nullptr, g.bias}, 1);
}

template void linear(const Linear<float> &, int);
template void linear(const Linear<double> &, int);
template void linear_backward(const Linear<float> &, const LinearGradients<float> &, int);
template void linear_backward(const Linear<double> &, const LinearGradients<double> &, int);
template void gru_forward(const Direction<float> *, long, int);
template void gru_forward(const Direction<double> *, long, int);
template void gru_backward(const Direction<float> *, const Gradients<float> *, long, int);
template void gru_backward(const Direction<double> *, const Gradients<double> *, long, int);

}  // namespace grucast
