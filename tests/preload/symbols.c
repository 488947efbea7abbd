/*
 * What our own walk over the libraries' tables finds is what the loader finds. The first argument
 * is a library to be loaded late.
 */
#include "preload/core/symbol.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                    \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

int symbols_old_table(void);

static void check_names(void)
{
    static const char *const names[] = {"read",    "write",    "poll",        "fork",
                                        "_exit",   "exit",     "syscall",     "nanosleep",
                                        "fprintf", "sem_wait", "posix_spawn", "pthread_cond_wait",
                                        "__uflow", "daemon",   "environ"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        void *found = dlsym(RTLD_NEXT, names[i]);
        CHECK(found != NULL);
        CHECK(ct_symbol_next(names[i], NULL) == found);
        CHECK(ct_symbol_next(names[i], "NO_SUCH_VERSION") == found);
        CHECK(ct_symbol_anywhere(names[i]) != NULL);
    }
    CHECK(ct_symbol_next("no_such_function", NULL) == NULL);
    CHECK(ct_symbol_next("no_such_function", "GLIBC_2.2.5") == NULL);
    CHECK(ct_symbol_anywhere("no_such_function") == NULL);
    CHECK(ct_symbol_in_libc("no_such_function") == NULL);
}

static void check_versions(void)
{
#if defined(__x86_64__)
    static const struct {
        const char *name, *old, *new;
    } functions[] = {
        {"pthread_cond_wait", "GLIBC_2.2.5", "GLIBC_2.3.2"},
        {"posix_spawn", "GLIBC_2.2.5", "GLIBC_2.15"},
        {"sem_wait", "GLIBC_2.2.5", "GLIBC_2.34"},
    };

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        void *old = dlvsym(RTLD_NEXT, functions[i].name, functions[i].old);
        void *new = dlvsym(RTLD_NEXT, functions[i].name, functions[i].new);
        CHECK(old != NULL && ct_symbol_next(functions[i].name, functions[i].old) == old);
        CHECK(new != NULL &&ct_symbol_next(functions[i].name, functions[i].new) == new);
        CHECK(ct_symbol_next(functions[i].name, NULL) == new);
    }
    CHECK(ct_symbol_next("pthread_cond_wait", "GLIBC_2.2.5") !=
          ct_symbol_next("pthread_cond_wait", NULL));
#endif
}

static void check_libc(void)
{
    void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);

    CHECK(libc != NULL);
    CHECK(ct_symbol_in_libc("clock_gettime") == dlsym(libc, "clock_gettime"));
    CHECK(ct_symbol_in_libc("_thread_db_pthread_tid") == dlsym(libc, "_thread_db_pthread_tid"));
    /* Which of several variants this machine is to have is for the loader to ask. */
    CHECK(ct_symbol_next("strlen", NULL) == dlsym(RTLD_NEXT, "strlen"));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    check_names();
    ct_symbol_init();
    check_names();
    check_versions();
    check_libc();
    CHECK(symbols_old_table() == 1);
    CHECK(ct_symbol_next("symbols_old_table", NULL) == dlsym(RTLD_DEFAULT, "symbols_old_table"));
    CHECK(dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) != NULL);
    CHECK(dlsym(RTLD_DEFAULT, "symbols_late") != NULL);
    CHECK(ct_symbol_anywhere("symbols_late") == NULL);
    return 0;
}
