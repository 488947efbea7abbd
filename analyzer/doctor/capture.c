#include "doctor/capture.h"

#include "doctor/advice.h"
#include "model/capture_notes.h"
#include "schema/capture_words.h"
#include "schema/obstacles.h"

#include <string.h>

/* By words of a note; the first that is in it counts. */
static const struct {
    const char *words;
    enum ct_advice_kind kind;
    const char *todo;
} refusals[] = {
    {CT_WHY_OFF, CT_ADVICE_LESS, "record without --kernel=off"},
    {CT_WHY_PARANOID, CT_ADVICE_LESS,
     "as root: sysctl kernel.perf_event_paranoid=2 (Debian's default is 3), or record as root"},
    {CT_WHY_CONTAINER, CT_ADVICE_LESS,
     "run the container with --cap-add=PERFMON --cap-add=BPF and a seccomp profile that allows "
     "perf_event_open and bpf, or record its cgroup from the host: ctrace record --cgroup=PATH"},
    {CT_WHY_TRACEFS, CT_ADVICE_LESS, "as root: mount -t tracefs nodev /sys/kernel/tracing"},
    {CT_WHY_MEMLOCK, CT_ADVICE_LESS,
     "end other recordings; or, as root: sysctl kernel.perf_event_mlock_kb=16384"},
    {CT_WHY_BPF, CT_ADVICE_LESS, "record as root for that: sudo ctrace record ..."},
    {CT_WHY_FORMATS, CT_ADVICE_LESS, "record as root for that: sudo ctrace record ..."},
    {CT_WHY_PERFMON, CT_ADVICE_LESS, "record as root for that: sudo ctrace record ..."},
    {CT_WHY_NO_BTF, CT_ADVICE_LESS,
     "nothing, perf events stand in; a kernel with CONFIG_DEBUG_INFO_BTF has it"},
    {CT_WHY_NO_PERF, CT_ADVICE_LESS, "use a kernel with CONFIG_PERF_EVENTS"},
    {CT_WHY_BUILT, CT_ADVICE_LESS,
     "install the package ctrace-kernel, or what `tests/install-packages.sh build` installs, and "
     "build ctrace anew"},
    {CT_WHY_NO_SAMPLE, CT_ADVICE_LESS, "record for longer, or sample more often: --cpu=999"},
};

static const struct {
    const char *about;
    const char *topic;
} layers[] = {
    {CT_LAYER_KERNEL, "kernel layer"},
    {CT_LAYER_CPU, "CPU samples"},
};

static void add_note(GPtrArray *advices, const char *subject, const char *topic, const char *note)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        if (strstr(note, refusals[i].words)) {
            ct_advices_add(advices, refusals[i].kind, subject, topic, note, refusals[i].todo);
            return;
        }
    }
    ct_advices_add(advices, CT_ADVICE_LESS, subject, topic, note, NULL);
}

/* What is about the layer: from its name up to where another one's begins. */
static char *take_note(const struct ct_capture *capture, const char *about)
{
    const char *begin = ct_capture_note_about(capture, about);
    const char *end = NULL;

    if (!begin)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        const char *other = ct_capture_note_about(capture, layers[i].about);

        if (other && other > begin && (!end || other < end))
            end = other;
    }
    const char *waits = ct_capture_note_about(capture, CT_NOTE_WAITS);

    if (waits && waits > begin && (!end || waits < end))
        end = waits;
    begin += strlen(about) + strlen(CT_NOTE_COLON);
    return end ? g_strndup(begin, (gsize)(end - begin) - strlen(CT_NOTE_SEPARATOR))
               : g_strdup(begin);
}

void ct_doctor_add_layers(GPtrArray *advices, const char *subject, const struct ct_capture *capture)
{
    for (size_t i = 0; i < G_N_ELEMENTS(layers); i++) {
        g_autofree char *note = take_note(capture, layers[i].about);

        if (note)
            add_note(advices, subject, layers[i].topic, note);
        else if (ct_capture_has_layer(capture, layers[i].about))
            ct_advices_add(advices, CT_ADVICE_FINE, subject, layers[i].topic, "live", NULL);
    }
}

/* ---- What keeps the library out ---- */

static const char *const obstacle_words[CT_OBSTACLE_COUNT] = {
#define OBSTACLE_WORDS(symbol, is_left_out, words) [CT_OBSTACLE_##symbol] = words,
    CT_OBSTACLES(OBSTACLE_WORDS)
#undef OBSTACLE_WORDS
};

static const char *const obstacle_advice[CT_OBSTACLE_COUNT] = {
    [CT_OBSTACLE_NONE] = "",
    [CT_OBSTACLE_STATIC] = "record as root, so that the kernel tells: sudo ctrace record ...; or "
                           "link it dynamically",
    [CT_OBSTACLE_OTHER_LOADER] =
        "record as root, so that the kernel tells: sudo ctrace record --kernel=syscalls ...",
    [CT_OBSTACLE_OTHER_MACHINE] =
        "record as root, so that the kernel tells: sudo ctrace record --kernel=syscalls ...; or "
        "build it for this machine's word size",
    [CT_OBSTACLE_PRIVILEGED] = "record as root (sudo ctrace record ...), or attach to it: sudo "
                               "ctrace record -p NAME",
    [CT_OBSTACLE_NO_LIBRARY] =
        "install ctrace where every user can read it (/usr or /usr/local); in another root, record "
        "through the kernel as root: --kernel=syscalls",
    [CT_OBSTACLE_NO_SESSION] =
        "share the host's /dev/shm with it (as docker run --ipc=host does), or record its cgroup: "
        "sudo ctrace record --cgroup=PATH",
    [CT_OBSTACLE_DESERTED] = "the recorder was stopped or had no CPU for 15 seconds: do not stop "
                             "it, and leave it some CPU",
};

const char *ct_doctor_obstacle_words(int obstacle)
{
    return obstacle_words[obstacle];
}

const char *ct_doctor_obstacle_advice(int obstacle)
{
    return obstacle_advice[obstacle];
}

/* By the reason that is told in it; the longest, since one may be the beginning of another. */
static const char *find_obstacle_advice(const char *names)
{
    const char *todo = "";
    size_t longest = 0;

    for (int i = CT_OBSTACLE_NONE + 1; i < CT_OBSTACLE_COUNT; i++) {
        if (strlen(obstacle_words[i]) > longest && strstr(names, obstacle_words[i])) {
            todo = obstacle_advice[i];
            longest = strlen(obstacle_words[i]);
        }
    }
    return todo;
}

/* ---- What was lost ---- */

static void add_if(GPtrArray *advices, const char *subject, const char *topic, const char *text,
                   const char *todo)
{
    if (text && *text)
        ct_advices_add(advices, CT_ADVICE_WRONG, subject, topic, text, todo);
}

static void add_end(GPtrArray *advices, const char *subject, const struct ct_capture *capture)
{
    if (capture->damage)
        add_if(advices, subject, "damage", capture->damage,
               "copy it once more from where it was recorded; ctrace verify tells if it is whole");
    else if (!capture->is_complete)
        add_if(advices, subject, "end", "the recording has no end: its recorder was killed",
               "ctrace recover DIR, on the machine that recorded it, until that restarts");
}

void ct_doctor_add_losses(GPtrArray *advices, const char *subject, const struct ct_capture *capture)
{
    g_autofree char *losses = ct_capture_losses(capture);
    g_autofree char *foreign = ct_capture_foreign(capture);
    g_autofree char *unseen = ct_capture_unseen(capture);
    const char *lost_waits = ct_capture_lost_waits(capture);

    add_end(advices, subject, capture);
    add_if(advices, subject, "losses", *lost_waits ? lost_waits : losses,
           "record less of it: --rate=100us, or one class (--net, --sync); or hold the program up "
           "instead: --lossless");
    add_if(advices, subject, "versions", foreign,
           "one ctrace is to record: install its packages in one version everywhere");
    if (capture->unknown_events > 0)
        add_if(advices, subject, "versions", "it has events of a newer ctrace",
               "read it with a ctrace that is as new as the one that recorded it");
    if (capture->records_dropped > 0)
        add_if(advices, subject, "limits",
               "there was too much to hold, and some of it was left out",
               "record for a shorter time (--duration) or fewer processes (--no-follow)");
    if (*unseen)
        ct_advices_add(advices,
                       ct_capture_lacks_processes(capture) ? CT_ADVICE_WRONG : CT_ADVICE_LESS,
                       subject, "processes", unseen, find_obstacle_advice(capture->unseen_names));
}
