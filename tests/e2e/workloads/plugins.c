/*
 * Loads and unloads plug-ins, as its arguments say, one after the other: "load PATH", "close", "run
 * TURNS", "other TURNS" (by a second thread, always the same), "chdir PATH", "unlink PATH". Prints
 * where the code of each was that it loaded.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *plugin;
static int (*run)(int turns);
static int turns_of_other; /* 0: it is to end */
static sem_t wanted, done;

static void *other(void *unused)
{
    (void)unused;
    for (;;) {
        sem_wait(&wanted);
        if (turns_of_other == 0)
            return NULL;
        run(turns_of_other);
        sem_post(&done);
    }
}

static void let_other_run(int turns)
{
    turns_of_other = turns;
    sem_post(&wanted);
    if (turns > 0)
        sem_wait(&done);
}

static void load(const char *path)
{
    plugin = dlopen(path, RTLD_NOW);
    if (plugin == NULL) {
        fputs(dlerror(), stderr);
        exit(1);
    }
    *(void **)&run = dlsym(plugin, "plugin_run");
    printf("%p\n", *(void **)&run);
}

static void act(const char *word, const char *argument)
{
    if (strcmp(word, "load") == 0)
        load(argument);
    else if (strcmp(word, "run") == 0)
        run(atoi(argument));
    else if (strcmp(word, "other") == 0)
        let_other_run(atoi(argument));
    else if ((strcmp(word, "chdir") == 0 ? chdir(argument) : unlink(argument)) != 0)
        exit(2);
}

int main(int argc, char **argv)
{
    pthread_t thread;

    sem_init(&wanted, 0, 0);
    sem_init(&done, 0, 0);
    pthread_create(&thread, NULL, other, NULL);
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "close") == 0) {
            dlclose(plugin);
            continue;
        }
        act(argv[i], argv[i + 1]);
        i++;
    }
    let_other_run(0);
    pthread_join(thread, NULL);
    return 0;
}
