/* The grammar of what a comparison is asked to fail on: see gate.h. */
#include "diff/gate.h"

#include "model/model.h"

#include <math.h>
#include <string.h>

#define DURATION "duration"

void ct_gate_free(struct ct_gate *gate)
{
    if (!gate)
        return;
    g_free(gate->text);
    g_free(gate->name);
    g_free(gate);
}
typedef struct ct_gate ct_gate; /* for g_autoptr(ct_gate) */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ct_gate, ct_gate_free)

/* With a caret below the place. */
static void complain(const char *text, size_t at, GError **error, const char *what)
{
    g_autofree char *before = g_strndup(text, at);
    size_t columns = g_utf8_validate(before, -1, NULL) ? (size_t)g_utf8_strlen(before, -1) : at;

    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "--fail-on: %s\n  %s\n  %*s^",
                what, text, (int)MIN(columns, 1000), "");
}

/* ---- The limit ---- */

static double time_unit(const char *unit)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};

    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
        if (strcmp(unit, units[i].name) == 0)
            return units[i].ns;
    }
    return 0;
}

static gboolean parse_limit(struct ct_gate *gate, const char *text, size_t at, GError **error)
{
    const char *limit = text + at;
    gboolean has_sign = limit[0] == '+' || limit[0] == '-';
    gboolean is_time = gate->is_duration || ct_metric_is_time(gate->metric);
    char *unit;
    double value = g_ascii_strtod(limit, &unit);

    if (unit == limit || !isfinite(value)) {
        complain(text, at, error, "here must be a limit, such as +10%, 5ms or 100");
        return FALSE;
    }
    gate->limit = value;
    gate->limit_kind = has_sign ? CT_LIMIT_CHANGE : CT_LIMIT_VALUE;
    if (strcmp(unit, "%") == 0 && has_sign && value >= -100) {
        gate->limit_kind = CT_LIMIT_SHARE;
        gate->limit = 1 + value / 100;
        return TRUE;
    }
    if (strcmp(unit, "%") == 0) {
        complain(text, at, error,
                 has_sign ? "there is no less than -100%"
                          : "say +N% or -N%: how much more or less than the old side");
        return FALSE;
    }
    if (is_time)
        gate->limit *= time_unit(unit);
    if (is_time ? time_unit(unit) > 0 : !*unit)
        return TRUE;
    complain(text, (size_t)(unit - text), error,
             is_time ? "a time needs a unit here: ns, us, ms, s, m or h; or %"
                     : "a count has no unit but %");
    return FALSE;
}

/* ---- What it is of ---- */

static gboolean parse_metric(struct ct_gate *gate, const char *text, size_t begin, size_t end,
                             GError **error)
{
    g_autofree char *name = g_strndup(text + begin, end - begin);

    for (int metric = 0; metric < CT_METRIC_KIND_COUNT; metric++) {
        if (strcmp(name, ct_metric_name((enum ct_metric)metric)) == 0) {
            gate->metric = (enum ct_metric)metric;
            return TRUE;
        }
    }
    complain(text, begin, error, "here must be one of count, delay, mean, p50 and p99");
    return FALSE;
}

/* "lock:NAME". */
static gboolean parse_kind(struct ct_gate *gate, const char *text, size_t length)
{
    for (int kind = 0; kind < CT_DIGEST_CAUSE; kind++) {
        const char *name = ct_digest_kind_name((enum ct_digest_kind)kind);
        size_t size = strlen(name);

        if (length <= size + 1 || strncmp(text, name, size) != 0 || text[size] != ':')
            continue;
        gate->kind = (enum ct_digest_kind)kind;
        gate->name = g_strndup(text + size + 1, length - size - 1);
        return TRUE;
    }
    return FALSE;
}

static gboolean parse_subject(struct ct_gate *gate, const char *text, size_t length, GError **error)
{
    enum ct_class class;

    if (!parse_kind(gate, text, length)) {
        gate->kind = CT_DIGEST_STATE;
        gate->name = g_strndup(text, length);
    }
    if (gate->kind != CT_DIGEST_STATE || ct_class_from_name(gate->name, &class))
        return TRUE;
    complain(text, 0, error,
             "here must be a state (running, runnable, net, sync, syscall, sleep, other, unknown), "
             "or op:NAME, place:NAME, stack:NAME, lock:NAME, peer:NAME, server:NAME");
    return FALSE;
}

/* Names have such characters, too: what counts is the last one. */
static const char *find_comparison(const char *text)
{
    const char *above = strrchr(text, '>');
    const char *below = strrchr(text, '<');

    return MAX(above, below);
}

static gboolean has_space_at(const char *text, size_t at, GError **error)
{
    if (at > 0 && g_ascii_isspace(text[at - 1]))
        at -= 1;
    else if (g_ascii_isspace(text[at + 1]))
        at += 1;
    else
        return FALSE;
    complain(text, at, error, "here must be no space");
    return TRUE;
}

struct ct_gate *ct_gate_parse(const char *text, GError **error)
{
    g_autoptr(ct_gate) gate = g_new0(struct ct_gate, 1);
    const char *comparison = find_comparison(text);

    gate->text = g_strdup(text);
    if (!comparison) {
        complain(text, strlen(text), error, "there is no > or <, as in sync.delay>+10%");
        return NULL;
    }
    size_t length = (size_t)(comparison - text);

    /* A number after a space would be read, but not the sign in front of it be seen. */
    if (has_space_at(text, length, error))
        return NULL;
    gate->is_above = *comparison == '>';
    gate->is_duration = length == strlen(DURATION) && strncmp(text, DURATION, length) == 0;
    if (!gate->is_duration) {
        const char *dot = g_strrstr_len(text, (gssize)length, ".");

        if (!dot) {
            complain(text, length, error,
                     "a metric is missing before this: .count, .delay, .mean, .p50 or .p99");
            return NULL;
        }
        if (!parse_subject(gate, text, (size_t)(dot - text), error) ||
            !parse_metric(gate, text, (size_t)(dot - text) + 1, length, error))
            return NULL;
    }
    return parse_limit(gate, text, length + 1, error) ? g_steal_pointer(&gate) : NULL;
}
