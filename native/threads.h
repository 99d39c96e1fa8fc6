// Work shared among threads. Who does an item must never matter to its result.
#pragma once

namespace grucast {

// Calls work(context, i) once for each i below `items`, on up to `threads` threads, the caller among them.
void parallel_items(long items, int threads, void (*work)(const void *context, long item), const void *context);

template <class F>
void parallel(long items, int threads, const F &work) {
  parallel_items(items, threads, [](const void *f, long item) { (*static_cast<const F *>(f))(item); }, &work);
}

}  // namespace grucast
