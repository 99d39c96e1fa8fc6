// Arrays of Python, checked.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "gru.h"

namespace nb = nanobind;

using std::optional;

template <class T>
using Array = nb::ndarray<T, nb::device::cpu>;
template <class T>
using In = Array<const T>;
using Lengths = optional<In<std::int64_t>>;

inline void require(bool good, const char *name, const char *what = "") {
  if (!good) throw std::invalid_argument(std::string(name) + what);
}

template <class T>
bool has_shape(const Array<T> &a, std::initializer_list<long> shape) {
  if (a.ndim() != shape.size()) return false;
  long axis = 0;
  for (long n : shape)
    if (long(a.shape(axis++)) != n) return false;
  return true;
}

// A dense array of this shape.
template <class T>
T *dense(const Array<T> &a, std::initializer_list<long> shape, const char *name) {
  require(has_shape(a, shape), name, " has the wrong shape");
  long stride = 1;
  for (long axis = long(a.ndim()) - 1; a.size() && axis >= 0; --axis) {
    require(a.shape(axis) < 2 || a.stride(axis) == stride, name, " must be contiguous");
    stride *= long(a.shape(axis));
  }
  return a.data();
}

template <class T>
T *dense(const optional<Array<T>> &a, std::initializer_list<long> shape, const char *name) {
  return a ? dense(*a, shape, name) : nullptr;
}

// (B, T, features) with dense features.
template <class T>
grucast::Strided<T> strided(const Array<T> &a, long batch, long steps, long features, const char *name) {
  require(has_shape(a, {batch, steps, features}), name, " has the wrong shape");
  require(!a.size() || features < 2 || a.stride(2) == 1, name, " must have contiguous features");
  return {a.data(), long(a.stride(0)), long(a.stride(1))};
}

// (S, ...): an array for each slice of a batch, dense but for the step from one to the next.
template <class T>
struct Slices {
  T *data;
  long stride;
  Slices(const Array<T> &a, std::initializer_list<long> shape, const char *name) : data(a.data()) {
    require(has_shape(a, shape), name, " has the wrong shape");
    stride = a.size() ? long(a.stride(0)) : 0;
    long each = 1;
    for (long axis = long(a.ndim()) - 1; a.size() && axis >= 1; --axis) {
      require(a.shape(axis) < 2 || a.stride(axis) == each, name, " must be contiguous in each slice");
      each *= long(a.shape(axis));
    }
  }
  T *at(long slice) const { return data + slice * stride; }
};
