"""In namespaces of a container, with LTTng's session daemon outside of them but in sight."""

import os
import shutil
import subprocess
import tempfile
import unittest

from harness import CTRACE, WORKLOADS, TraceTest, main, run, wait_until

CONTAINER = ["unshare", "--pid", "--mount", "--ipc", "--fork", "--mount-proc", "--kill-child"]
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
LTTNG = "/var/run/lttng"


@unittest.skipUnless(os.environ.get("CTRACE_TEST_NAMESPACES"), "no namespaces for root here")
@unittest.skipIf(os.getuid() != 0, "only root can make the namespaces")
class DaemonOutside(TraceTest):
    def record_inside(self, *command, before="true", user=()):
        script = f'{before} && exec "$@"'
        result = run(*CONTAINER, "sh", "-c", script, "sh", *user, CTRACE, "record", "--kernel=off",
                     "-o", self.folder / "trace", "--", *command, cwd=self.folder)
        result.directory = self.folder / "trace"
        self.assertEqual(result.status, 0, result)
        return result

    def assert_recorded(self, result):
        self.assertIn("nothing lost", result.err, result)
        (wait,) = [s for s in self.profile("sync", result.directory).samples
                   if s.labels["op"] == "pthread_mutex_lock"]
        self.assertGreater(wait.delay_ns, 60_000_000)

    def test_ours_is_used(self):
        self.start_daemon()
        for before in ("true", "mount -t tmpfs tmpfs /dev/shm"):
            with self.subTest(before):
                self.assert_recorded(
                    self.record_inside(WORKLOADS / "other_user", "wait", before=before))
                sessions = run("lttng", "--no-sessiond", "list").out
                self.assertNotIn("ctrace", sessions)

    def test_the_program_sees_what_is_there(self):
        self.start_daemon()
        command = ["sh", "-c", f"ls {LTTNG}; pwd; readlink -f .; echo /proc/1/*s*"]
        bare = run(*CONTAINER, *command, cwd=self.folder)
        result = self.record_inside(*command)
        self.assertIn("client-lttng-sessiond", bare.out)
        self.assertEqual(result.out, bare.out)

    def test_a_users_own_is_used_in_another_place(self):
        self.folder.chmod(0o755)
        self.folder.parent.chmod(0o755)
        home = tempfile.mkdtemp(prefix="h")  # a socket's name must not be long
        self.addCleanup(shutil.rmtree, home)
        if run(*NOBODY, "test", "-r", CTRACE).status != 0:
            self.skipTest("ctrace is where others cannot read it")
        os.chown(home, 65534, 65534)
        os.chown(self.folder, 65534, 65534)
        self.addCleanup(os.environ.__setitem__, "HOME", os.environ["HOME"])
        os.environ["HOME"] = home
        daemon = self.start_users_daemon()
        result = self.record_inside(WORKLOADS / "other_user", "wait", user=[*NOBODY, "env", "TMPDIR=/tmp"])
        self.assert_recorded(result)
        self.assertIsNone(daemon.poll())

    def start_users_daemon(self):
        daemon = subprocess.Popen([*NOBODY, "lttng-sessiond", "--no-kernel"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL)

        def end():
            daemon.terminate()
            daemon.wait(20)

        self.addCleanup(end)
        wait_until(lambda: run(*NOBODY, "lttng", "--no-sessiond", "list").status == 0,
                   "the user's session daemon answered")
        return daemon

    def test_who_cannot_hide_it_is_told_at_once(self):
        self.start_daemon()
        result = run(*CONTAINER, "setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin",
                     CTRACE, "record", "--kernel=off", "-o", self.folder / "trace", "--",
                     "echo", "it runs", cwd=self.folder)
        self.assertEqual((result.status, result.out), (125, "it runs\n"), result)
        self.assertRegex(result.err, "outside of this container")


@unittest.skipIf(os.getuid() != 0, "only root's daemon can be shared by containers")
class SharedDaemon(TraceTest):
    def test_sessions_are_swept_only_where_their_directories_would_be_seen(self):
        self.start_daemon()
        folder = os.stat("/dev/shm")
        ours = f"ctrace-absent-{folder.st_dev:x}.{folder.st_ino:x}"
        others = [f"ctrace-absent-{folder.st_dev + 1:x}.{folder.st_ino:x}",
                  f"ctrace-absent-{folder.st_dev + 1:x}.{folder.st_ino:x}-closing", "ctrace-absent"]
        for name in [ours, f"{ours}-closing", *others]:
            result = run("lttng", "--no-sessiond", "create", name, f"--output={self.folder / name}")
            self.assertEqual(result.status, 0, result)
        self.record_ok("true", options=["--kernel=off"])
        listed = run("lttng", "--no-sessiond", "list").out
        for name in others:
            self.assertIn(f"{name} [", listed)
        self.assertNotIn(ours, listed)


@unittest.skipUnless(os.environ.get("CTRACE_TEST_NAMESPACES"), "no namespaces for root here")
@unittest.skipIf(os.getuid() != 0, "only root can go there")
class OutOfReach(TraceTest):
    """A program goes where it cannot open what is in the recording's folder."""

    def test_the_doorbell_is_mapped_before(self):
        result = self.record_ok(WORKLOADS / "reach", "setns", options=["--rate=0"])
        self.assertEqual(result.out, "1\n")

    @unittest.skipUnless(shutil.which("strace"), "no strace here")
    def test_what_cannot_be_opened_is_not_tried_each_time(self):
        calls = self.folder / "calls"
        self.record_ok("strace", "-f", "-e", "trace=openat", "-e", "signal=none", "-o", calls,
                       WORKLOADS / "reach", "chroot", options=["--rate=0", "--kernel=off"])
        tried = [line for line in calls.read_text().splitlines()
                 if "/dev/shm/ctrace-" in line and "O_PATH" in line]
        self.assertEqual(len(tried), 1, tried)


if __name__ == "__main__":
    main()
