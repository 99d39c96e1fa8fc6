#include "threads.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>
#if defined(__linux__)
#include <dlfcn.h>
#include <pthread.h>
#endif

namespace grucast {
namespace {

struct Job {
  std::atomic<long> next{0};
  long items;
  void (*work)(const void *, long);
  const void *context;
  std::atomic<bool> failed{false};
  std::exception_ptr error{};

  // Takes items until none is left; dynamic, since the machine may give one thread less time than another.
  void run() {
    for (long i; (i = next.fetch_add(1, std::memory_order_relaxed)) < items;) try {
        work(context, i);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
  }
};

// To wake a thread that sleeps takes some 40 us, and the next job of a training step comes sooner than these.
constexpr std::chrono::microseconds kSoon{200};

inline void relax() {
#if defined(__SSE2__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Keeps the processor until something is ready, or no longer worth waiting for like this.
template <class Ready>
void spin(Ready ready) {
  for (const auto end = std::chrono::steady_clock::now() + kSoon; !ready() && std::chrono::steady_clock::now() < end;) relax();
}

// Threads of our own, for processes without OpenMP; they sleep when no job comes soon, and live as long as the process.
class Pool {
 public:
  // False when another thread is using the pool.
  bool run(Job &job, int helpers) {
    const std::unique_lock<std::mutex> use(use_, std::try_to_lock);
    if (!use.owns_lock()) return false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (int(threads_.size()) < helpers) threads_.emplace_back([this] { serve(); });
      job_ = &job, places_ = helpers;
      ++round_;
    }
    wake_.notify_all();
    job.run();
    const auto done = [this] { return busy_ == 0; };
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_ = nullptr;  // whoever wakes only now is not waited for
    }
    spin(done);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, done);
    return true;
  }

 private:
  void serve() {
    for (long seen = 0;;) {
      const auto called = [&] { return round_ != seen; };
      spin(called);
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, called);
      seen = round_;
      if (!job_ || !places_) continue;
      --places_, ++busy_;
      Job *job = job_;
      lock.unlock();
      job->run();
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex use_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> threads_;
  Job *job_ = nullptr;
  std::atomic<long> round_{0};
  std::atomic<int> busy_{0};
  int places_ = 0;
};

// A child after fork has none of its parent's threads, and whoever hands them work waits for ever. So it gets a pool of
// its own, the parent's is left alone, and OpenMP, which can't be told, is left to the parent.
std::atomic<Pool *> pool{new Pool};
#if defined(__linux__)
std::atomic<bool> is_child{false};
[[maybe_unused]] const int watch = pthread_atfork(nullptr, nullptr, [] { pool = new Pool, is_child = true; });

using OpenMP = void (*)(void (*)(void *), void *, unsigned threads, unsigned flags);

// torch brings an OpenMP whose idle threads spin for a while; a second pool would fight them for the same cores.
OpenMP open_mp() {
  if (is_child) return nullptr;
  static std::atomic<OpenMP> found{nullptr};
  OpenMP result = found.load(std::memory_order_relaxed);
  if (!result) {
    result = reinterpret_cast<OpenMP>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
    found.store(result, std::memory_order_relaxed);
  }
  return result;
}
#endif

}  // namespace

void parallel_items(long items, int threads, void (*work)(const void *, long), const void *context) {
  Job job;
  job.items = items, job.work = work, job.context = context;
  // OpenMP ends the process when the system has no more threads for it. Asking costs a file to read, so ask once.
  static const long most = 4 * std::max(1L, long(std::thread::hardware_concurrency()));
  threads = int(std::min({long(threads), items, most}));
  if (threads <= 1) {
    job.run();
#if defined(__linux__)
  } else if (const OpenMP run = open_mp()) {
    run([](void *job) { static_cast<Job *>(job)->run(); }, &job, unsigned(threads), 0);
#endif
  } else if (!pool.load()->run(job, threads - 1)) {
    job.run();
  }
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace grucast
