/* Page faults of a child that ends at once, or executes /bin/true: on average of some. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 20 };

int main(int argc, char **argv)
{
    int is_executing = argc > 1 && strcmp(argv[1], "exec") == 0;
    struct rusage usage;

    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();

        if (child == 0) {
            if (is_executing)
                execl("/bin/true", "true", (char *)NULL);
            _exit(0);
        }
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return EXIT_FAILURE;
    }
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return EXIT_FAILURE;
    printf("%ld\n", usage.ru_minflt / CHILDREN);
    return EXIT_SUCCESS;
}
