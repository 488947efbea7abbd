"""What `cmake --install` puts where, the packages of it, and a configuration without what tests take.

CTRACE_SOURCE is the source tree, CTRACE_BUILD a build tree with everything built. With CTRACE_TEST_DEBOOTSTRAP set,
packages are also installed in a new Debian: it takes minutes, and a mirror.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["CTRACE_SOURCE"])
BUILD = pathlib.Path(os.environ["CTRACE_BUILD"])
# By which package may take none of these.
KEPT_OUT = {
    "ctrace": ("cairo", "babeltrace", "glib", "lttng-ust"),
    "ctrace-recorder": ("cairo", "pango", "babeltrace", "json-glib"),
    "ctrace-kernel": ("cairo", "pango", "lttng-ust"),
    "ctrace-analyzer": ("cairo", "pango", "lttng"),
    "ctrace-agent": ("cairo", "babeltrace", "lttng"),
    "ctrace-viewer": ("lttng",),
}

# In a root of its own: installs, records, reads, and removes.
IN_A_ROOT = r"""
set -eu
mount -t proc proc /proc
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
export DEBIAN_FRONTEND=noninteractive HOME=/root PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
[ -z "$1" ] || apt-get update -qq
apt-get install -y -qq --no-install-recommends /packages/*.deb >/packages/log 2>&1 || { cat /packages/log; exit 1; }
mkdir /packages/work
cd /packages/work
ctrace --version
ctrace record true
ctrace report >report
head -1 report
ctrace pprof wall -o wall.pb.gz
ctrace timeline -o all.svg
ls wall.pb.gz all.svg
man -w ctrace-record ctrace-report ctrace-timeline 2>/dev/null || true
cd /
apt-get purge -y -qq $(cd /packages && ls *.deb | sed 's/_.*//') >/packages/log 2>&1 || { cat /packages/log; exit 1; }
"""


def run(*words, **options):
    result = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, check=False, **options)
    return result.returncode, result.stdout


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("CTRACE_TEST_TMP")))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def check(self, *words, **options):
        status, text = run(*words, **options)
        self.assertEqual(status, 0, f"{words}\n{text}")
        return text

    def need(self, *programs):
        for program in programs:
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed: see tests/install-packages.sh")


def files_below(place):
    return {"/" + str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir()}


class Installing(Case):
    def test_another_prefix_and_a_staging_folder_have_the_same_files(self):
        self.check("cmake", "--install", BUILD, "--prefix", self.folder / "prefix")
        self.check("cmake", "--install", BUILD, "--prefix", "/opt/ctrace", env=dict(os.environ, DESTDIR=str(self.folder / "stage")))
        files = files_below(self.folder / "prefix")
        self.assertEqual(files, files_below(self.folder / "stage/opt/ctrace"))
        commands = re.findall(r'^    \{"(\w+)", "', (SOURCE / "tracer/ctrace.c").read_text(), re.MULTILINE)
        self.assertGreater(len(commands), 8)
        for command in commands:
            self.assertIn(f"/libexec/ctrace/ctrace-{command}", files)
            self.assertIn(f"/share/man/man1/ctrace-{command}.1", files)
        pages = {page.name for page in SOURCE.glob("*/man/*.[17]")}
        self.assertEqual({pathlib.Path(name).name for name in files if "/man/" in name}, pages)

    def test_it_runs_from_where_it_is_installed(self):
        self.check("cmake", "--install", BUILD, "--prefix", self.folder / "prefix")
        program = self.folder / "prefix/bin/ctrace"
        self.check(program, "record", "-o", self.folder / "data", "true", cwd=self.folder)
        self.assertIn("true", self.check(program, "report", self.folder / "data"))

    def test_programs_find_the_format_by_pkg_config(self):
        self.need("pkg-config", "cc")
        self.check("cmake", "--install", BUILD, "--prefix", self.folder / "prefix")
        environment = dict(os.environ, PKG_CONFIG_PATH=str(self.folder / "prefix/share/pkgconfig"))
        flags = self.check("pkg-config", "--cflags", "ctrace", env=environment).split()
        self.assertIn(self.check("pkg-config", "--modversion", "ctrace", env=environment).strip(),
                      self.check(self.folder / "prefix/bin/ctrace", "--version"))
        source = self.folder / "t.c"
        source.write_text('#include "schema/operations.h"\nint main(void) { return CT_CLASS_RUNNING; }\n')
        self.check("cc", *flags, "-o", self.folder / "t", source)


class Configuring(Case):
    def test_without_what_tests_take_they_are_left_out_with_a_word(self):
        """All else is there: programs by their names, libraries by their descriptions."""
        programs, libraries = self.folder / "bin", self.folder / "pkgconfig"
        hidden_programs = re.compile(r"(.*[cg]\+\+|.*clang\+\+|python3|musl-gcc)(-[\d.]+)?$")
        for place, old, hidden in ((programs, "/usr/sbin:/usr/bin".split(":"), hidden_programs), (
                libraries, self.check("pkg-config", "--variable", "pc_path", "pkg-config").strip().split(":"),
                re.compile(r"(cmocka|fuse3)\.pc"))):
            place.mkdir()
            for folder in map(pathlib.Path, old):
                for path in folder.iterdir() if folder.is_dir() else ():
                    if not hidden.match(path.name) and not (place / path.name).exists():
                        (place / path.name).symlink_to(path)
        environment = {name: value for name, value in os.environ.items() if name not in ("CXX", "CC")}
        environment |= {"PATH": str(programs), "PKG_CONFIG_LIBDIR": str(libraries)}
        text = self.check("cmake", "-S", SOURCE, "-B", self.folder / "build",
                          "-DCMAKE_IGNORE_PATH=/usr/bin;/bin;/usr/sbin;/sbin;/usr/local/bin", env=environment)
        for words in ("the unit tests, which take cmocka, python3", "the end-to-end tests, which take fuse3, python3, musl-gcc",
                      "golden tests of hostile and stored recordings, which take python3"):
            self.assertIn(f"Left out: {words}", text)
        tests = self.check("ctest", "--test-dir", self.folder / "build", "-N")
        self.assertNotRegex(tests, r": (unit|e2e)\.")
        self.assertRegex(tests, r": golden\.")


class Packages(Case):
    def setUp(self):
        super().setUp()
        self.need("dpkg-deb", "dpkg-shlibdeps")

    @classmethod
    def setUpClass(cls):
        cls.made = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("CTRACE_TEST_TMP")))
        cls.addClassCleanup(shutil.rmtree, cls.made, ignore_errors=True)

    def make(self, generator, suffix):
        """Once for all tests."""
        if not list(self.made.glob(f"*.{suffix}")):
            self.check("cpack", "--config", BUILD / "CPackConfig.cmake", "-G", generator, "-B", self.made)
        found = sorted(self.made.glob(f"*.{suffix}"))
        self.assertEqual({re.split(r"[_-]\d", path.name)[0] for path in found},
                         {"ctrace", "ctrace-recorder", "ctrace-kernel", "ctrace-agent", "ctrace-analyzer", "ctrace-viewer",
                          "ctrace-dev"})
        return found

    def test_debian_packages(self):
        packages = self.make("DEB", "deb")
        self.check("cmake", "--install", BUILD, "--prefix", self.folder / "prefix")
        files = set()
        for package in packages:
            name = self.check("dpkg-deb", "-f", package, "Package").strip()
            self.check("dpkg-deb", "-x", package, self.folder / name)
            own = files_below(self.folder / name)
            self.assertFalse(own & files, "a file is in two packages")
            files |= own
            for document in ("copyright", "changelog.gz"):
                self.assertIn(f"/usr/share/doc/{name}/{document}", own)
            needs = self.check("dpkg-deb", "-f", package, "Depends")
            self.assertEqual("ctrace (= " in needs, name not in ("ctrace", "ctrace-kernel", "ctrace-dev"), needs)
            for library in KEPT_OUT.get(name, ()):
                self.assertNotIn(library, needs)
            self.assertEqual("lttng-tools" in needs, name == "ctrace-recorder", needs)
        installed = {f"/usr{name}{'.gz' if '/man/' in name else ''}" for name in files_below(self.folder / "prefix")}
        installed = {name.replace("/site-functions/", "/vendor-completions/") for name in installed}
        self.assertEqual({name for name in files if not re.match("/usr/share/doc/ctrace-|.*/changelog.gz", name)}, installed)
        self.check_what_lacks()
        with self.subTest("lintian"):
            self.need("lintian")
            # Who makes packages says by CTRACE_PACKAGER who that is.
            status, text = run("lintian", "--allow-root", "--suppress-tags",
                               "bogus-mail-host,bogus-mail-host-in-debian-changelog", *packages)
            self.assertNotRegex(text, "(?m)^E:")
            self.assertEqual(status, 0, text)

    def check_what_lacks(self):
        """The command alone tells which package it wants for another."""
        # Those with a manual are the ones that people call.
        paths = [path for path in self.folder.glob("ctrace*/usr/libexec/ctrace/ctrace-*")
                 if (path.parents[2] / f"share/man/man1/{path.name}.1.gz").exists()]
        self.assertGreater(len(paths), 8)
        for path in paths:
            status, text = run(self.folder / "ctrace/usr/bin/ctrace", path.name.removeprefix("ctrace-"))
            self.assertEqual(status, 127, text)
            self.assertIn(f"not installed (the package {path.parents[3].name} has it)", text)

    def test_red_hat_packages(self):
        self.need("rpmbuild", "rpm")
        for package in self.make("RPM", "rpm"):
            name = self.check("rpm", "-qp", "--qf", "%{NAME}", package)
            text = self.check("rpm", "-qpl", package)
            self.assertNotRegex(text, r"(?m)^/usr/(bin|share|libexec|share/man)$")
            needs = self.check("rpm", "-qp", "--requires", package)
            for library in KEPT_OUT.get(name, ()):
                self.assertNotIn(f"lib{library}", needs)
            self.assertNotRegex(text, r"\.[17]$", "a manual is not compressed")

    def try_in(self, root, *, is_new, written):
        """written: the folder with all that is written below the root."""
        packages = root / "packages"
        packages.mkdir()
        for package in self.made.glob("*.deb"):
            shutil.copy(package, packages)
        (packages / "try.sh").write_text(IN_A_ROOT)
        text = self.check("unshare", "--mount", "--pid", "--fork", "chroot", root, "sh", "/packages/try.sh",
                          "new" if is_new else "")
        self.assertRegex(text, r"ctrace \d+\.\d+")
        self.assertIn("findings", text.lower())
        self.assertIn("all.svg", text)
        shutil.rmtree(packages)
        left = [path for path in written.rglob("*") if "ctrace" in path.name.lower() and not path.is_char_device()]
        self.assertEqual(left, [], text)

    def test_they_are_installed_and_removed(self):
        """Over this machine's root, which has what they take, and of which nothing is changed."""
        self.make("DEB", "deb")
        over = self.folder / "over"
        over.mkdir()
        status, text = run("mount", "-t", "tmpfs", "tmpfs", over)
        if status != 0:
            self.skipTest(f"there is nowhere to mount anything: {text}")
        self.addCleanup(run, "umount", "-l", over)
        for name in ("upper", "work", "root"):
            (over / name).mkdir()
        status, text = run("mount", "-t", "overlay", "overlay", "-o",
                           f"lowerdir=/,upperdir={over}/upper,workdir={over}/work", over / "root")
        if status != 0:
            self.skipTest(f"no root can be laid over this one: {text}")
        self.addCleanup(run, "umount", "-l", over / "root")
        for place in ("tmp", "work", "home", "run", "root", "srv"):
            (over / "root" / place).mkdir(exist_ok=True)
            self.check("mount", "-t", "tmpfs", "tmpfs", over / "root" / place)
        if shutil.which("ctrace"):
            self.skipTest("a ctrace is installed here already")
        self.try_in(over / "root", is_new=False, written=over / "upper")

    @unittest.skipUnless(os.environ.get("CTRACE_TEST_DEBOOTSTRAP"), "takes minutes and a mirror: CTRACE_TEST_DEBOOTSTRAP=1")
    def test_they_are_installed_and_removed_in_a_new_debian(self):
        self.need("debootstrap")
        self.make("DEB", "deb")
        root = self.folder / "new"
        self.check("debootstrap", "--variant=minbase", "bookworm", root)
        shutil.copytree("/etc/apt/apt.conf.d", root / "etc/apt/apt.conf.d", dirs_exist_ok=True)
        self.try_in(root, is_new=True, written=root)


if __name__ == "__main__":
    if os.geteuid() != 0:
        print("skipped: it runs as root only")
        sys.exit(77)
    unittest.main(verbosity=2)
