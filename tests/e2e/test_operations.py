"""Every operation, made to wait for a known time: found with its class, object, stack and waker."""

import statistics

from harness import CLASSES, WORKLOADS, TraceTest, main, workload_answer

# The programs that measure their own waits.
WAITS = ("waits", "waits_files", "waits_io", "waits_locks", "waits_names", "waits_sync")

# Of the wakes that a trace could tell, the part that it must: a wait that began late is over at once.
LEAST_WOKEN = 0.7

# Shorter waits began late.
LATE_NS = 10_000_000

# By how much the program's clock readings may differ from the wait that was disturbed least, and
# from one in two on a machine whose CPUs are busy.
QUIET_NS = 1_000_000
BUSY_NS = 10_000_000


# What the label `object` has in it, by operation; "": there is no such label.
OBJECT_OF_OP = {
    "pthread_mutex_lock": "mutex 0x",
    "pthread_mutex_timedlock": "mutex 0x",
    "pthread_cond_wait": "condition 0x",
    "pthread_cond_timedwait": "condition 0x",
    "pthread_rwlock_rdlock": "rwlock 0x",
    "pthread_rwlock_wrlock": "rwlock 0x",
    "pthread_rwlock_timedrdlock": "rwlock 0x",
    "pthread_rwlock_timedwrlock": "rwlock 0x",
    "pthread_spin_lock": "spin lock 0x",
    "pthread_barrier_wait": "barrier 0x",
    "pthread_once": "once control 0x",
    "pthread_join": "thread ",
    "sem_wait": "semaphore 0x",
    "sem_timedwait": "semaphore 0x",
    "semop": "System V ipc ",
    "msgrcv": "System V ipc ",
    "msgsnd": "System V ipc ",
    "mq_receive": "message queue /ctrace-receive-",
    "mq_send": "message queue /ctrace-send-",
    "futex_wait": "futex 0x",
    "flock": "file /tmp/ctrace-lock-",
    "fcntl": "file /tmp/ctrace-lock-",
    "poll": " descriptor",
    "select": " descriptor",
    "waitpid": "process ",
    "accept": "inet socket 127.0.0.1:",
    "connect": "unix socket -> @",
    "open": "pipe /tmp/ctrace-waits-",
    **dict.fromkeys(["unlink", "rename", "msync", "sync", "system", "pclose"], ""),
    **dict.fromkeys(["nanosleep", "sigwait", "sigsuspend", "pause"], ""),
    **dict.fromkeys(["getaddrinfo", "getnameinfo", "gethostbyname", "gethostbyaddr"], ""),
}

# The same of calls on a descriptor, by scenario; where neither has it, the workload's.
OBJECT_OF_SCENARIO = {
    "read-socket": "inet socket -> 127.0.0.1:",
    **dict.fromkeys(["recv", "recvfrom", "recvmsg", "recvmmsg"], "unix socket"),
    **dict.fromkeys(["send", "sendmsg", "sendmmsg", "sendfile"], "unix socket"),
    **dict.fromkeys(["eventfd", "timerfd", "signalfd", "inotify", "io_uring"], None),
    "epoll": "epoll",
    "epoll-pipe": "epoll",
    "splice": "device /dev/null",
    "sync_file_range": "/mapped",
    "syncfs": "file /tmp/ctrace-disk-",
}
# Waits for several descriptors have what ended them, if something did.
ENDED_BY = {"epoll-pipe": "pipe pipe:[", "poll-woken": "pipe pipe:[", "select-woken": "ended by unix socket"}
OBJECT_OF_WORKLOAD = {"waits": "pipe pipe:[", "waits_io": "pipe pipe:[", "waits_files": "/file"}


def expected_object(workload, answer):
    name = answer["name"]
    if name in ENDED_BY:
        return ENDED_BY[name]
    if answer["op"] in OBJECT_OF_OP:
        return OBJECT_OF_OP[answer["op"]]
    if name in OBJECT_OF_SCENARIO:
        return OBJECT_OF_SCENARIO[name] or name
    return OBJECT_OF_WORKLOAD[workload]


class Operations(TraceTest):
    def test_waits_have_their_time_class_object_and_waker(self):
        for workload in WAITS:
            result = self.record_ok(WORKLOADS / workload)
            events = self.waits(result.directory)
            profiles = {kind: self.profile(kind, result.directory) for kind in CLASSES}
            for answer in workload_answer(result):
                with self.subTest(workload, scenario=answer["name"]):
                    if answer["count"] == 0:
                        self.skipTest("refused by this kernel, or for root only")
                    mine = self.events_of(answer, events)
                    self.check_events(answer, mine)
                    self.check_profile(answer, profiles[answer["class"]], sum(mine))
                    self.check_object(
                        answer, profiles[answer["class"]], expected_object(workload, answer)
                    )

    @staticmethod
    def events_of(answer, events):
        """Durations of the scenario's waits, in the order of their ends."""
        return [
            event.fields["duration_ns"]
            for event in sorted(events, key=lambda event: event.time_ns)
            if event.fields.get("vtid") == answer["tid"]
            and event.fields["op"] == answer["op"]
            and event.fields["class"] == answer["class"]
        ]

    def check_events(self, answer, recorded):
        # A thread that came late found nothing to wait for: most waits are there.
        recorded = sorted((each for each in recorded if each > LATE_NS), reverse=True)
        measured = sorted((each for each in answer["waits_ns"] if each > LATE_NS), reverse=True)
        self.assertAlmostEqual(len(recorded), len(measured), delta=answer["count"] / 4)
        self.assertGreater(len(recorded), answer["count"] / 2)
        # The program reads its clock outside the wait, so it never measures less. It measures more
        # where it lost the CPU before a reading, or was late at a page that it shares with its child:
        # on a busy machine, most times, but not each time.
        differences_ns = sorted(its - mine for mine, its in zip(recorded, measured))
        self.assertGreaterEqual(differences_ns[0], 0)
        self.assertLess(differences_ns[0], max(measured) * 0.02 + QUIET_NS)
        self.assertLess(statistics.median(differences_ns), max(measured) * 0.02 + BUSY_NS)

    @staticmethod
    def samples_of(answer, profile):
        return [
            sample
            for sample in profile.samples
            if sample.labels["tid"] == str(answer["tid"]) and sample.labels["op"] == answer["op"]
        ]

    def check_object(self, answer, profile, expected):
        for sample in self.samples_of(answer, profile):
            if sample.delay_ns > LATE_NS:
                self.assertIn(expected, sample.labels.get("object", ""))
                self.assertEqual("object" in sample.labels, expected != "")
                # A path or an address is nobody else's.
                if "socket" in expected:
                    self.assertNotRegex(sample.labels["object"], r"[/\[]")

    def check_profile(self, answer, profile, recorded_ns):
        mine = self.samples_of(answer, profile)
        profiled_ns = sum(sample.delay_ns for sample in mine)
        self.assert_about(profiled_ns, recorded_ns, 0, "profile")
        for sample in mine:
            self.assertEqual(sample.labels["thread"], answer["name"])
            if sample.delay_ns > LATE_NS:
                self.assertIn("scenario_main", sample.stack)
        if answer["woken"]:
            woken_ns = sum(sample.delay_ns for sample in mine if sample.labels.get("waker"))
            self.assertGreater(woken_ns, profiled_ns * LEAST_WOKEN)


if __name__ == "__main__":
    main()
