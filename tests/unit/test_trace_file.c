/* SPDX-License-Identifier: MIT */
#include "trace_case.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "diag/trace_internal.h"

/* --- the file --- */

static mode_t mode_of(const char *name)
{
    struct stat st;
    assert_int_equal(stat(name, &st), 0);
    return st.st_mode & 07777;
}

static void files_are_0640_from_the_start_whatever_the_umask(void **state)
{
    (void)state;
    mode_t before = umask(0);
    start();
    assert_int_equal(mode_of(path), 0640);
    free(stop());
    umask(077);
    start();
    assert_int_equal(mode_of(path), 0640);
    free(stop());
    umask(before);
    close(open(path, O_CREAT | O_WRONLY, 0666));
    chmod(path, 0666);
    start();
    assert_int_equal(mode_of(path), 0640);
    free(stop());
}

static void a_symbolic_link_is_not_followed(void **state)
{
    (void)state;
    struct trace_settings s = { .path = path, .max_size = 1 << 20, .keep = 1 };

    assert_int_equal(symlink("/dev/null", path), 0);
    assert_false(trace_start(&s));
    assert_int_equal(errno, ELOOP);
    unlink(path);
}

static void a_missing_directory_is_told(void **state)
{
    (void)state;
    struct trace_settings s = { .path = "/nonexistent/postern/trace.log", .max_size = 1 << 20 };
    assert_false(trace_start(&s));
    assert_int_equal(errno, ENOENT);
}

static void the_file_is_rotated_by_size_and_old_ones_go(void **state)
{
    (void)state;
    char name[80];
    struct stat st;
    struct trace_settings s = {
        .path = path, .max_size = 4096, .keep = 2, .level = { TL_INFO }, .flags = { 0x1f }
    };
    mode_t before = umask(022);

    assert_true(trace_start(&s));
    for (unsigned i = 0; i < 100; i++) {
        protocol(STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        trace_flush();
    }
    trace_stop();
    umask(before);
    for (unsigned n = 0; n <= 2; n++) {
        snprintf(name, sizeof(name), n ? "%s.%u" : "%s", path, n);
        assert_int_equal(stat(name, &st), 0);
        assert_true(st.st_size <= 4096);
        assert_true(n == 0 || st.st_size > 2048);
        assert_int_equal(mode_of(name), 0640);
        char *text = contents(name);
        assert_int_equal(header_lines(text), count(text, "\n$$end_record\n\n"));
        free(text);
    }
    snprintf(name, sizeof(name), "%s.3", path);
    assert_int_not_equal(stat(name, &st), 0);
    empty_folder();
}

static void a_file_that_cannot_be_rotated_starts_over(void **state)
{
    (void)state;
    char name[80];
    struct stat st;
    struct trace_settings s = {
        .path = path, .max_size = 4096, .keep = 1, .level = { TL_INFO }, .flags = { 0x1f }
    };

    snprintf(name, sizeof(name), "%s.1", path);
    assert_int_equal(mkdir(name, 0700), 0); /* in the way of the rename */
    assert_true(trace_start(&s));
    for (unsigned i = 0; i < 50; i++) {
        protocol(STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        trace_flush();
    }
    trace_stop();
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size <= 4096);
    char *text = contents(path);
    assert_int_equal(count(text, "could not be rotated and was begun anew"), 1);
    assert_int_equal(header_lines(text), count(text, "\n$$end_record\n\n"));
    free(text);
    rmdir(name);
    empty_folder();
}

static void *fifty_records(void *arg)
{
    trace_thread((unsigned)(uintptr_t)arg);
    for (unsigned i = 0; i < 50; i++)
        trace_text(TRACE_SIPSTACK, TL_INFO, "worker", "record %u", i);
    return NULL;
}

static void records_of_many_threads_all_come_and_those_of_each_in_order(void **state)
{
    (void)state;
    pthread_t threads[8];
    unsigned last[9] = { 0 }, number[9] = { 0 };
    uint64_t before = trace_dropped();

    start();
    for (unsigned i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, fifty_records, (void *)(uintptr_t)(i + 1));
    for (unsigned i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    char *text = stop();
    for (char *line = text; *line; line = strchr(line, '\n') + 1) {
        unsigned cpu, seq, n;
        assert_int_equal(sscanf(line, "TL_INFO(TF_COMPONENT) [%u]", &cpu), 1);
        assert_int_equal(sscanf(strstr(line, "::") + 26, "%8x", &seq), 1);
        assert_int_equal(sscanf(strstr(line, ")record"), ")record %u", &n), 1);
        assert_in_range(cpu, 1, 8);
        assert_int_equal(n, number[cpu]);
        assert_true(n == 0 || seq > last[cpu]);
        number[cpu]++;
        last[cpu] = seq;
    }
    for (unsigned i = 1; i <= 8; i++)
        assert_int_equal(number[i], 50);
    assert_int_equal(trace_dropped(), before);
    free(text);
}

static void a_flush_finds_everything_written(void **state)
{
    (void)state;
    start();
    for (unsigned i = 1; i <= 20; i++) {
        trace_text(TRACE_SIPSTACK, TL_INFO, "f", "x");
        trace_flush();
        char *text = contents(path);
        assert_int_equal(header_lines(text), i);
        free(text);
    }
    free(stop());
}

/* --- a full disk --- */

static void a_full_disk_drops_records_counts_them_and_blocks_nobody(void **state)
{
    (void)state;
    struct trace_settings s = {
        .path = "/dev/full", .max_size = 1 << 20, .keep = 1, .level = { TL_INFO }, .flags = { 0x1f }
    };
    uint64_t before = trace_dropped();

    assert_true(trace_start(&s));
    for (unsigned i = 0; i < 100; i++)
        protocol(STR("SIP/2.0 200 OK\r\n\r\n"));
    trace_flush();
    trace_stop();
    assert_int_equal(trace_dropped() - before, 100);
}

/* RLIMIT_FSIZE stands for a disk that is full for a while. */
static void when_there_is_room_again_the_trace_tells_how_many_were_lost(void **state)
{
    (void)state;
    struct rlimit old, small;
    uint64_t before = trace_dropped();

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    start();
    small = old;
    small.rlim_cur = 700;
    setrlimit(RLIMIT_FSIZE, &small);
    for (unsigned i = 0; i < 10; i++) {
        protocol(STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
        trace_flush();
    }
    setrlimit(RLIMIT_FSIZE, &old);
    protocol(STR("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"));
    uint64_t lost = trace_dropped() - before;
    char *text = stop();
    signal(SIGXFSZ, SIG_DFL);
    assert_true(lost >= 6 && lost <= 9);
    char want[64];
    snprintf(want, sizeof(want), "\nSeverity: warning\nText: %u trace records were dropped\n",
             (unsigned)lost);
    assert_int_equal(count(text, want), 1);
    assert_int_equal(count(text, "TL_WARN(TF_DIAG) [0]"), 1);
    /* what was cut in two is closed: every record has its end before the next begins */
    assert_int_equal(header_lines(text), count(text, "\n$$end_record\n\n"));
    free(text);
}

static void a_ring_that_is_full_refuses_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct trace_ring ring = { .data = malloc(TRACE_RING_SIZE) };
    static char record[1000];
    uint64_t fill = 0, pos = 0;
    uint32_t seq = 0, n = 0, got;
    struct str out;

    for (unsigned round = 0; round < 5; round++) {
        while (trace_ring_push(&ring, seq, str_of(record, 700 + seq % 300), &fill))
            seq++;
        assert_true(fill > TRACE_RING_SIZE - 2 * 1024);
        while (trace_ring_peek(&ring, &pos, atomic_load(&ring.head), &got, &out)) {
            assert_int_equal(got, n);
            assert_int_equal(out.len, 700 + n % 300);
            pos = trace_ring_after(pos, out);
            n++;
        }
        atomic_store(&ring.tail, pos);
    }
    assert_int_equal(n, seq);
    free(ring.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_0640_from_the_start_whatever_the_umask),
        cmocka_unit_test(a_symbolic_link_is_not_followed),
        cmocka_unit_test(a_missing_directory_is_told),
        cmocka_unit_test(the_file_is_rotated_by_size_and_old_ones_go),
        cmocka_unit_test(a_file_that_cannot_be_rotated_starts_over),
        cmocka_unit_test(records_of_many_threads_all_come_and_those_of_each_in_order),
        cmocka_unit_test(a_flush_finds_everything_written),
        cmocka_unit_test(a_full_disk_drops_records_counts_them_and_blocks_nobody),
        cmocka_unit_test(when_there_is_room_again_the_trace_tells_how_many_were_lost),
        cmocka_unit_test(a_ring_that_is_full_refuses_and_keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
