/* Only who knows the address is answered, whatever else reaches the server. */
#include "http/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
/* cmocka.h needs the headers before it. */
#include <cmocka.h>
#include <string.h>

static struct ct_http_guard guard;

static int set_up(void **state)
{
    (void)state;
    guard.port = 4711;
    return ct_http_guard_add_token(&guard, NULL) ? 0 : 1;
}

static guint check(struct ct_http_request request, const char *below)
{
    g_autofree char *path = g_strdup_printf("/%s/%s", guard.token, below);
    const char *name, *why = NULL;

    request.path = request.path ? request.path : path;
    request.method = request.method ? request.method : "GET";
    guint status = ct_http_guard_check(&guard, &request, &name, &why);

    if (status == 0 && request.path == path)
        assert_string_equal(name, below);
    else if (status != 0)
        assert_non_null(why);
    return status;
}

static void the_page_is_answered(void **state)
{
    (void)state;
    assert_int_equal(check((struct ct_http_request){.host = "127.0.0.1:4711"}, ""), 0);
    assert_int_equal(check((struct ct_http_request){.host = "localhost:4711"}, "api/tiles"), 0);
    assert_int_equal(
        check((struct ct_http_request){.host = "LocalHost:4711", .method = "HEAD"}, "main.js"), 0);
    assert_int_equal(
        check((struct ct_http_request){.host = "[::1]:4711", .origin = "http://[::1]:4711"},
              "main.js"),
        0);
}

static void other_names_of_the_host_are_refused(void **state)
{
    static const char *const hosts[] = {
        "evil.example:4711", "127.0.0.1", "127.0.0.1:4712",  "localhost:47110",
        "localhost",         "",          "127.0.0.1:4711 ", "localhost:4711.evil.example"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++)
        assert_int_equal(check((struct ct_http_request){.host = hosts[i]}, ""), 403);
    assert_int_equal(check((struct ct_http_request){.host = NULL}, ""), 403);
}

static void other_origins_are_refused(void **state)
{
    static const char *const origins[] = {"http://evil.example", "null", "https://127.0.0.1:4711",
                                          "http://127.0.0.1:4712", "http://127.0.0.1"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(origins); i++)
        assert_int_equal(
            check((struct ct_http_request){.host = "127.0.0.1:4711", .origin = origins[i]}, ""),
            403);
}

static guint fetch(const struct ct_http_guard *of, const char *site, const char *mode,
                   const char *dest)
{
    g_autofree char *path = g_strdup_printf("%s%s/", *of->token ? "/" : "", of->token);
    const char *name, *why;

    return ct_http_guard_check(of,
                               &(struct ct_http_request){.method = "GET",
                                                         .path = path,
                                                         .host = "127.0.0.1:4711",
                                                         .fetch_site = site,
                                                         .fetch_mode = mode,
                                                         .fetch_dest = dest},
                               &name, &why);
}

/* An image tells no Origin. */
static void what_pages_of_others_load_is_refused(void **state)
{
    const struct ct_http_guard bare = {.port = 4711};
    static const char *const sites[] = {"cross-site", "same-site", "", "something new"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sites); i++) {
        assert_int_equal(fetch(&bare, sites[i], "no-cors", "image"), 403);
        assert_int_equal(fetch(&bare, sites[i], "navigate", "document"), 403);
        assert_int_equal(fetch(&guard, sites[i], "no-cors", "image"), 403);
        assert_int_equal(fetch(&guard, sites[i], "navigate", "iframe"), 403);
        assert_int_equal(fetch(&guard, sites[i], NULL, NULL), 403);
        /* Who knows the token has shown somebody the way. */
        assert_int_equal(fetch(&guard, sites[i], "navigate", "document"), 0);
    }
    assert_int_equal(fetch(&bare, "same-origin", "no-cors", "image"), 0);
    assert_int_equal(fetch(&bare, "none", "navigate", "document"), 0);
    assert_int_equal(fetch(&bare, NULL, NULL, NULL), 0);
}

static void every_digit_of_the_token_counts(void **state)
{
    g_autofree char *path = g_strdup_printf("/%s/", guard.token);
    g_autofree char *without = g_strdup_printf("/%s", guard.token);
    g_autofree char *longer = g_strdup_printf("/%s0/", guard.token);
    static const char *const others[] = {"/", "", "/index.html", "/api/overview"};

    (void)state;
    for (size_t i = 0; i < CT_HTTP_TOKEN_SIZE; i++) {
        path[1 + i] ^= 1;
        assert_int_equal(
            check((struct ct_http_request){.host = "127.0.0.1:4711", .path = path}, ""), 403);
        path[1 + i] ^= 1;
    }
    assert_int_equal(check((struct ct_http_request){.host = "127.0.0.1:4711", .path = path}, ""),
                     0);
    assert_int_equal(check((struct ct_http_request){.host = "127.0.0.1:4711", .path = without}, ""),
                     403);
    assert_int_equal(check((struct ct_http_request){.host = "127.0.0.1:4711", .path = longer}, ""),
                     403);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_int_equal(
            check((struct ct_http_request){.host = "127.0.0.1:4711", .path = others[i]}, ""), 403);
}

static void nothing_is_changed_by_asking(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "CONNECT"};

    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(methods); i++)
        assert_int_equal(
            check((struct ct_http_request){.host = "127.0.0.1:4711", .method = methods[i]}, ""),
            405);
}

static void long_addresses_are_refused(void **state)
{
    g_autofree char *query = g_strnfill(CT_HTTP_URL_MAX, 'a');

    (void)state;
    assert_int_equal(check((struct ct_http_request){.host = "127.0.0.1:4711", .query = query}, ""),
                     414);
}

static void tokens_differ(void **state)
{
    struct ct_http_guard other = {.port = 4711};

    (void)state;
    assert_true(ct_http_guard_add_token(&other, NULL));
    assert_int_equal(strlen(other.token), CT_HTTP_TOKEN_SIZE);
    assert_string_not_equal(other.token, guard.token);
}

static guint ask(const struct ct_http_guard *of, const char *method, const char *path,
                 const char *host, const char **name)
{
    const char *why;

    return ct_http_guard_check(
        of, &(struct ct_http_request){.method = method, .path = path, .host = host}, name, &why);
}

static void a_server_may_have_no_token(void **state)
{
    const struct ct_http_guard bare = {.port = 4711};
    const char *name = NULL;

    (void)state;
    assert_int_equal(ask(&bare, "GET", "/debug/pprof/", "127.0.0.1:4711", &name), 0);
    assert_string_equal(name, "debug/pprof/");
    assert_int_equal(ask(&bare, "GET", "*", "127.0.0.1:4711", &name), 403);
    assert_int_equal(ask(&bare, "GET", "/", "evil.example:4711", &name), 403);
}

static void the_usual_port_need_not_be_named(void **state)
{
    const struct ct_http_guard usual = {.port = 80};
    g_autofree char *address = ct_http_guard_address(&usual, "127.0.0.1");
    const char *name = NULL;

    (void)state;
    assert_string_equal(address, "http://127.0.0.1:80/");
    assert_int_equal(ask(&usual, "GET", "/", "localhost", &name), 0);
    assert_int_equal(ask(&usual, "GET", "/", "localhost:80", &name), 0);
    assert_int_equal(ask(&usual, "GET", "/", "localhost:443", &name), 403);
}

static void one_may_take_what_is_posted(void **state)
{
    const struct ct_http_guard posted = {.port = 4711, .takes_post = TRUE};
    const char *name = NULL;

    (void)state;
    assert_int_equal(ask(&posted, "POST", "/a", "127.0.0.1:4711", &name), 0);
    assert_int_equal(ask(&posted, "PUT", "/a", "127.0.0.1:4711", &name), 405);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_answered),
        cmocka_unit_test(other_names_of_the_host_are_refused),
        cmocka_unit_test(other_origins_are_refused),
        cmocka_unit_test(what_pages_of_others_load_is_refused),
        cmocka_unit_test(every_digit_of_the_token_counts),
        cmocka_unit_test(nothing_is_changed_by_asking),
        cmocka_unit_test(long_addresses_are_refused),
        cmocka_unit_test(tokens_differ),
        cmocka_unit_test(a_server_may_have_no_token),
        cmocka_unit_test(the_usual_port_need_not_be_named),
        cmocka_unit_test(one_may_take_what_is_posted),
    };
    return cmocka_run_group_tests_name("http_guard", tests, set_up, NULL);
}
