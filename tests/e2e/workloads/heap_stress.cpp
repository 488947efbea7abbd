// For so many seconds, all at once: threads that allocate, throw, end and are made anew, that free
// what others allocated, load and unload a library, and fork. Says "done" where nothing hung.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dlfcn.h>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

static const char *library;
static std::atomic<bool> is_over;
static std::atomic<void *> shared[512];
static thread_local std::string at_the_end; // freed when the thread ends

static unsigned next_number(unsigned *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

// Leaves a block for whoever comes next, and frees what was left.
static void exchange(unsigned *state)
{
    void *block = malloc(1 + next_number(state) % 5000);

    memset(block, 1, 1);
    free(shared[next_number(state) % 512].exchange(block));
}

static void fail(unsigned depth)
{
    std::vector<char> some(depth * 10 + 1);

    if (depth == 0)
        throw std::runtime_error(std::string(100, 'x'));
    fail(depth - 1);
}

static void allocate(unsigned *state)
{
    for (int i = 0; i < 200; i++) {
        exchange(state);
        free(realloc(calloc(3, 1 + next_number(state) % 100), 1 + next_number(state) % 9000));
        delete new std::string(next_number(state) % 300, 'y');
    }
    try {
        fail(next_number(state) % 20);
    } catch (const std::runtime_error &) {
        at_the_end.append(100, 'z');
    }
}

static void *work(void *seed)
{
    unsigned state = static_cast<unsigned>(reinterpret_cast<size_t>(seed));

    for (int i = 0; i < 20 && !is_over; i++)
        allocate(&state);
    return nullptr;
}

static void *make_threads(void *seed)
{
    for (size_t i = reinterpret_cast<size_t>(seed); !is_over; i += 8) {
        pthread_t thread;

        if (pthread_create(&thread, nullptr, work, reinterpret_cast<void *>(i)) == 0)
            pthread_join(thread, nullptr);
    }
    return nullptr;
}

static void *load(void *)
{
    while (!is_over) {
        void *handle = dlopen(library, RTLD_NOW);

        if (handle == nullptr)
            abort();
        dlclose(handle);
    }
    return nullptr;
}

static void *fork_children(void *)
{
    while (!is_over) {
        pid_t child = fork();

        if (child == 0) {
            unsigned state = 7;

            for (int i = 0; i < 3; i++)
                allocate(&state);
            _exit(0);
        }
        int status = -1;
        if (child > 0 && (waitpid(child, &status, 0) != child || status != 0))
            abort();
    }
    return nullptr;
}

int main(int argument_count, char **arguments)
{
    if (argument_count < 3)
        return 2;
    library = arguments[1];

    const timespec duration = {atoi(arguments[2]), 0};
    void *(*const parts[])(void *) = {make_threads, make_threads, make_threads, load,
                                      fork_children};
    std::vector<pthread_t> threads;

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        threads.emplace_back();
        if (pthread_create(&threads.back(), nullptr, parts[i], reinterpret_cast<void *>(i)) != 0)
            return 1;
    }
    nanosleep(&duration, nullptr);
    is_over = true;
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
    puts("done");
    return 0;
}
