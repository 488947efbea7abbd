// A C++ program as people write them: workers wait on a condition variable for jobs, and fight
// for a mutex to add up their results. It prints the waits that it measured, as JSON.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <queue>
#include <thread>
#include <vector>

#include <pthread.h>

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace
{

class WaitMeter
{
  public:
    template <typename Call> void measure(Call call)
    {
        auto begin = steady_clock::now();
        call();
        total_ns += std::chrono::duration_cast<nanoseconds>(steady_clock::now() - begin).count();
    }
    std::atomic<long long> total_ns{0};
};

WaitMeter cond_waits, lock_waits, join_waits;

class JobQueue
{
  public:
    void push(int job)
    {
        {
            std::lock_guard<std::mutex> guard(mutex);
            jobs.push(job);
        }
        not_empty.notify_one();
    }

    int pop()
    {
        std::unique_lock<std::mutex> guard(mutex);
        while (jobs.empty())
            cond_waits.measure([&] { not_empty.wait(guard); });
        int job = jobs.front();
        jobs.pop();
        return job;
    }

  private:
    std::mutex mutex;
    std::condition_variable not_empty;
    std::queue<int> jobs;
};

std::mutex result_mutex;
long result;

void add_to_result(int job)
{
    lock_waits.measure([] { result_mutex.lock(); });
    std::this_thread::sleep_for(std::chrono::milliseconds(10)); // held for long: that is the point
    result += job;
    result_mutex.unlock();
}

void work(JobQueue &queue)
{
    while (int job = queue.pop())
        add_to_result(job);
}

} // namespace

int main()
{
    JobQueue queue;
    std::vector<std::thread> workers;

    for (int i = 0; i < 3; i++)
        workers.emplace_back(work, std::ref(queue));
    for (int job = 1; job <= 30; job++) {
        if (job % 3 == 1)
            std::this_thread::sleep_for(std::chrono::milliseconds(35));
        queue.push(job);
    }
    for (size_t i = 0; i < workers.size(); i++)
        queue.push(0);
    for (auto &worker : workers)
        join_waits.measure([&] { worker.join(); });

    std::printf("{\"result\": %ld, \"pthread_cond_wait\": %lld, \"pthread_mutex_lock\": %lld, "
                "\"pthread_join\": %lld}\n",
                result, cond_waits.total_ns.load(), lock_waits.total_ns.load(),
                join_waits.total_ns.load());
}
