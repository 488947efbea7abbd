// A C++ service that goes on until its standard input ends: a thread waits for work that never
// comes, one wants a lock that another holds most of the time, and one computes.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <unistd.h>

using namespace std::chrono_literals;

static std::mutex held, idle;
static std::condition_variable work;
static volatile unsigned long sum;

__attribute__((noinline)) static void wait_for_work()
{
    pthread_setname_np(pthread_self(), "idler");
    std::unique_lock<std::mutex> guard(idle);
    for (;;)
        work.wait(guard);
}

__attribute__((noinline)) static void hold_lock()
{
    pthread_setname_np(pthread_self(), "holder");
    for (;;) {
        {
            std::lock_guard<std::mutex> guard(held);
            std::this_thread::sleep_for(20ms);
        }
        std::this_thread::sleep_for(1ms);
    }
}

__attribute__((noinline)) static void want_lock()
{
    pthread_setname_np(pthread_self(), "waiter");
    for (;;)
        std::lock_guard<std::mutex> guard(held);
}

__attribute__((noinline)) static void compute()
{
    pthread_setname_np(pthread_self(), "worker");
    for (unsigned long i = 0;; i++)
        sum = sum + i;
}

int main()
{
    for (auto *body : {wait_for_work, hold_lock, want_lock, compute})
        std::thread(body).detach();
    std::printf("%d\n", static_cast<int>(getpid()));
    std::fflush(stdout);
    for (char byte; read(STDIN_FILENO, &byte, 1) > 0;) {
    }
    _exit(0);
}
