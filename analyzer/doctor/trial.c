#include "doctor/trial.h"

#include "files/tree.h"

#include <string.h>

/* Some 50 ms of CPU time, for a sample to come at that rate, and a wait. */
#define TRIAL_SCRIPT "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.02"
#define TRIAL_RATE   "--cpu=999"

void ct_trial_run(struct ct_trial *trial, const char *recorder)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *said = NULL;
    int status = 0;

    *trial = (struct ct_trial){.folder = g_dir_make_tmp("ctrace-doctor-XXXXXX", &error)};
    if (!trial->folder) {
        trial->said = g_strdup(error->message);
        return;
    }
    trial->directory = g_build_filename(trial->folder, "trial", NULL);
    char *words[] = {(char *)recorder, TRIAL_RATE, "-o", trial->directory, "sh", "-c",
                     TRIAL_SCRIPT,     NULL};

    if (!g_spawn_sync(NULL, words, NULL, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said,
                      &status, &error))
        trial->said = g_strdup(error->message);
    else if (!g_spawn_check_wait_status(status, NULL))
        trial->said = g_strdup(g_strstrip(said));
    trial->is_recorded = trial->said == NULL;
}

void ct_trial_clear(struct ct_trial *trial)
{
    if (trial->folder)
        ct_tree_remove(trial->folder);
    g_free(trial->folder);
    g_free(trial->directory);
    g_free(trial->said);
}
