/* Profiles that are to be sent: what may wait is bounded, in order, and what is dropped is counted.
 */
#include "push/queue.h"

#include <gio/gio.h>
#include <libsoup/soup.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A target, and what it was told and answered. */
struct target {
    SoupServer *server;
    struct ct_push_target *target;
    guint refusals; /* so many requests are refused for now */
    gboolean is_mute;
    guint requests;
    GString *events; /* of the queue: "sent a;dropped b;" */
};

static void on_request(SoupServer *server, SoupServerMessage *message, const char *path,
                       GHashTable *query, void *user)
{
    struct target *target = user;

    (void)server;
    (void)path;
    (void)query;
    target->requests++;
    if (target->is_mute)
        soup_server_message_pause(message);
    else if (target->requests <= target->refusals)
        soup_server_message_set_status(message, SOUP_STATUS_SERVICE_UNAVAILABLE, NULL);
    else
        soup_server_message_set_status(message, SOUP_STATUS_OK, NULL);
}

static void on_event(void *user, enum ct_push_outcome outcome,
                     const struct ct_push_profile *profile, const char *why)
{
    static const char *const words[] = {
        [CT_PUSH_SENT] = "sent", [CT_PUSH_RETRIED] = "retried", [CT_PUSH_DROPPED] = "dropped"};
    struct target *target = user;

    assert_int_equal(why != NULL, outcome != CT_PUSH_SENT);
    g_string_append_printf(target->events, "%s %s;", words[outcome], profile->origin);
}

static int set_up(void **state)
{
    struct target *target = g_new0(struct target, 1);

    target->server = soup_server_new(NULL, NULL);
    soup_server_add_handler(target->server, NULL, on_request, target, NULL);
    assert_true(soup_server_listen_local(target->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, NULL));
    GSList *uris = soup_server_get_uris(target->server);
    g_autofree char *address = g_uri_to_string(uris->data);
    g_autofree char *text = g_strconcat("parca:", address, NULL);

    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    target->target = ct_push_target_parse(text, NULL);
    assert_non_null(target->target);
    target->events = g_string_new(NULL);
    *state = target;
    return 0;
}

static int tear_down(void **state)
{
    struct target *target = *state;

    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_string_free(target->events, TRUE);
    ct_push_target_free(target->target);
    soup_server_disconnect(target->server);
    g_object_unref(target->server);
    g_free(target);
    return 0;
}

static struct ct_push *make_queue(struct target *target, guint profiles_max, uint64_t bytes_max)
{
    const struct ct_push_limits limits = {.profiles_max = profiles_max,
                                          .bytes_max = bytes_max,
                                          .tries_max = 3,
                                          .first_wait_ms = 2,
                                          .wait_max_ms = 10,
                                          .timeout_ms = 60000};

    return ct_push_new(target->target, &limits, on_event, target);
}

static void add(struct ct_push *push, const char *name, gsize size)
{
    struct ct_push_profile *profile = ct_push_profile_new();

    profile->origin = g_strdup(name);
    profile->application = g_strdup("shop");
    profile->bytes = g_bytes_new_take(g_malloc0(size), size);
    ct_push_add(push, profile);
}

static void run_until_idle(const struct ct_push *push)
{
    while (!ct_push_is_idle(push))
        g_main_context_iteration(NULL, TRUE);
}

static void all_are_sent_in_turn(void **state)
{
    struct target *target = *state;
    struct ct_push_counts counts;
    struct ct_push *push = make_queue(target, 3, 1000);

    add(push, "a", 10);
    add(push, "b", 10);
    add(push, "c", 10);
    run_until_idle(push);
    ct_push_free(push, &counts);
    assert_string_equal(target->events->str, "sent a;sent b;sent c;");
    assert_int_equal(counts.sent, 3);
    assert_int_equal(target->requests, 3);
}

static void more_than_may_wait_drops_the_oldest_that_waits(void **state)
{
    struct target *target = *state;
    struct ct_push_counts counts;
    struct ct_push *push = make_queue(target, 3, 1000);

    target->is_mute = TRUE;
    for (int i = 0; i < 6; i++) {
        char name[] = {(char)('a' + i), '\0'};

        add(push, name, 10);
    }
    assert_string_equal(target->events->str, "dropped b;dropped c;dropped d;");
    assert_false(ct_push_has_room(push, 1));
    while (target->requests == 0)
        g_main_context_iteration(NULL, TRUE);
    ct_push_free(push, &counts);
    assert_string_equal(target->events->str,
                        "dropped b;dropped c;dropped d;dropped a;dropped e;dropped f;");
    assert_int_equal(counts.dropped_full, 3);
    assert_int_equal(counts.dropped_end, 3);
    assert_int_equal(counts.sent, 0);
}

static void bytes_are_bounded_too_but_one_may_have_more(void **state)
{
    struct target *target = *state;
    struct ct_push_counts counts;
    struct ct_push *push = make_queue(target, 100, 1000);

    add(push, "a", 400);
    add(push, "b", 400);
    assert_true(ct_push_has_room(push, 200));
    assert_false(ct_push_has_room(push, 201));
    add(push, "c", 500);
    assert_string_equal(target->events->str, "dropped b;");
    run_until_idle(push);
    add(push, "d", 5000);
    run_until_idle(push);
    ct_push_free(push, &counts);
    assert_string_equal(target->events->str, "dropped b;sent a;sent c;sent d;");
    assert_int_equal(counts.dropped_full, 1);
}

static void tries_are_counted_for_each(void **state)
{
    struct target *target = *state;
    struct ct_push_counts counts;
    struct ct_push *push = make_queue(target, 3, 1000);

    target->refusals = 5;
    add(push, "a", 10);
    add(push, "b", 10);
    run_until_idle(push);
    ct_push_free(push, &counts);
    assert_string_equal(target->events->str,
                        "retried a;retried a;dropped a;retried b;retried b;sent b;");
    assert_int_equal(counts.retries, 4);
    assert_int_equal(counts.dropped_tries, 1);
    assert_int_equal(counts.sent, 1);
    assert_int_equal(target->requests, 6);
}

static void one_that_waits_for_another_try_can_be_dropped(void **state)
{
    struct target *target = *state;
    struct ct_push_counts counts;
    struct ct_push *push = make_queue(target, 1, 1000);

    target->refusals = 1;
    add(push, "a", 10);
    while (target->events->len == 0)
        g_main_context_iteration(NULL, TRUE);
    add(push, "b", 10);
    run_until_idle(push);
    ct_push_free(push, &counts);
    assert_string_equal(target->events->str, "retried a;dropped a;sent b;");
    assert_int_equal(counts.dropped_full, 1);
}

static void what_is_asked_for_goes_below_the_path_of_the_target(void **state)
{
    struct ct_push_target *target = ct_push_target_parse("pyroscope:https://[::1]:4040/all/", NULL);
    struct ct_push_profile *profile = ct_push_profile_new();
    char *labels[] = {"env=prod", "zone=b 1", NULL};
    struct ct_push_request request;

    (void)state;
    profile->application = g_strdup("shop");
    profile->labels = g_strdupv(labels);
    profile->bytes = g_bytes_new_static("x", 1);
    profile->begin_ns = G_GINT64_CONSTANT(1999999999);
    profile->end_ns = G_GINT64_CONSTANT(3000000001);
    ct_push_target_request(target, profile, &request);
    g_autoptr(GUri) uri = ct_push_target_uri(target, &request);
    g_autofree char *text = g_uri_to_string(uri);

    assert_string_equal(text,
                        "https://[::1]:4040/all/ingest?name=shop%7Benv%3Dprod%2Czone%3Db%201%7D"
                        "&from=1&until=4&spyName=ctrace");
    ct_push_request_clear(&request);
    ct_push_profile_free(profile);
    ct_push_target_free(target);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_are_sent_in_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_may_wait_drops_the_oldest_that_waits, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_bounded_too_but_one_may_have_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tries_are_counted_for_each, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_waits_for_another_try_can_be_dropped, set_up,
                                        tear_down),
        cmocka_unit_test(what_is_asked_for_goes_below_the_path_of_the_target),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
