/* Page faults of a child that ends at once, or executes /bin/true, or tr, which reads: on average
 * of some. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILDREN = 20 };

/* Who only ends touches nothing for that. */
static void be_child(int is_executing, int is_reading)
{
    if (is_executing)
        execl("/bin/true", "true", (char *)NULL);
    else if (is_reading)
        execl("/usr/bin/tr", "tr", "a", "b", (char *)NULL);
    _exit(0);
}

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "fork";
    int is_executing = strcmp(kind, "exec") == 0, is_reading = strcmp(kind, "read") == 0;
    struct rusage usage;

    if (dup2(open("/dev/null", O_RDONLY), STDIN_FILENO) < 0)
        return EXIT_FAILURE;
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();

        if (child == 0)
            be_child(is_executing, is_reading);
        if (child < 0 || waitpid(child, NULL, 0) != child)
            return EXIT_FAILURE;
    }
    if (getrusage(RUSAGE_CHILDREN, &usage) != 0)
        return EXIT_FAILURE;
    printf("%ld\n", usage.ru_minflt / CHILDREN);
    return EXIT_SUCCESS;
}
