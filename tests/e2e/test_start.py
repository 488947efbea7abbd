"""A session daemon that never answers: a recording is not begun, and the program runs all the same."""

import os
import time

from harness import WORKLOADS, TraceTest, end_daemons, main, session_daemons

ENDINGS = WORKLOADS / "endings"

# Longer than the recorder waits.
TIMEOUT_S = 60


class Silence(TraceTest):
    """LTTng's daemon waits for ever for a consumer that is killed as it starts."""

    def setUp(self):
        super().setUp()
        if session_daemons():
            self.skipTest("a session daemon runs on this machine")
        consumer = self.folder / "consumer"
        consumer.write_text("#!/bin/sh\nkill -9 $$\n")
        consumer.chmod(0o755)
        before = os.environ.copy()
        self.addCleanup(os.environ.update, before)
        self.addCleanup(os.environ.pop, "LTTNG_CONSUMERD64_BIN")
        os.environ["LTTNG_CONSUMERD64_BIN"] = str(consumer)

    def check_that_the_program_runs(self):
        result = self.record("sh", "-c", "echo ran; exit 3", timeout=TIMEOUT_S)
        self.assertEqual((result.status, result.out), (3, "ran\n"), result)
        self.assertRegex(
            result.err,
            r"cannot record: LTTng's session daemon did not answer within \d+ s: end lttng-sessiond",
        )
        self.assertRegex(result.err, "the program runs without")
        self.assertFalse((self.folder / "trace").exists())

    def test_our_own_daemon_is_ended_and_the_next_recording_has_another(self):
        self.check_that_the_program_runs()
        self.assertEqual(session_daemons(), set())
        del os.environ["LTTNG_CONSUMERD64_BIN"]
        self.record_ok(ENDINGS, "sleep", "20")
        os.environ["LTTNG_CONSUMERD64_BIN"] = ""  # for the clean-up

    def test_the_daemon_of_others_is_left_alone(self):
        self.start_daemon()
        daemons = session_daemons()
        self.check_that_the_program_runs()
        self.assertEqual(session_daemons(), daemons)
        end_daemons()

    def test_attaching_fails(self):
        began = time.monotonic()
        result = self.ctrace("record", "-p", os.getpid(), timeout=TIMEOUT_S)
        self.assert_refused(result, "did not answer within", status=125)
        self.assertNotRegex(result.err, "the program runs")
        self.assertLess(time.monotonic() - began, TIMEOUT_S)


if __name__ == "__main__":
    main()
