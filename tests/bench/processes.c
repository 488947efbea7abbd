/* Microseconds from a fork to the end of the child, which ends at once, or executes /bin/true. */
#include "timing.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void run_child(int is_executing)
{
    pid_t child = fork();

    if (child == 0) {
        if (is_executing)
            execl("/bin/true", "true", (char *)NULL);
        _exit(0);
    }
    if (child < 0 || waitpid(child, NULL, 0) != child)
        exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
    int is_executing = argc > 1 && strcmp(argv[1], "exec") == 0;
    enum { BATCHES = 20, CHILDREN = 10 };
    double best_ns = 1e18;

    for (int batch = 0; batch < BATCHES; batch++) {
        uint64_t begin_ns = bench_now_ns();
        for (int i = 0; i < CHILDREN; i++)
            run_child(is_executing);
        double ns = (double)(bench_now_ns() - begin_ns) / CHILDREN;
        best_ns = ns < best_ns ? ns : best_ns;
    }
    printf("%.2f\n", best_ns / 1e3);
    return 0;
}
