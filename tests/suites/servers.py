"""Servers under load, with their answers checked."""

import hashlib
import re
import subprocess

from compare import Failed, accepts, free_port

PGBENCH_SCALE, PGBENCH_S = 5, 15
POSTGRES = "/usr/lib/postgresql/15/bin"


def client(*words, **options):
    """What a client, which is not recorded, says; it must succeed."""
    words = [str(word) for word in words]
    result = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **options)
    if result.returncode != 0:
        raise Failed(f"{words}: status {result.returncode}: {(result.stdout + result.stderr)[-400:]}")
    return result.stdout


def redis(runner):
    """Counters, lists and values by a benchmark with many clients; a snapshot in a child."""
    port = free_port()
    cli = ["redis-cli", "-p", port]
    words = ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes",
             "--io-threads", 2, "--dir", runner.folder]  # fmt: skip
    requests, verdicts = 10_000, {}
    with runner.server(*words, is_ready=lambda: accepts(port)):
        bench = ["redis-benchmark", "-p", port, "-n", requests, "-c", 20, "-q"]
        client(*bench, "-t", "set,get,lpush,lpop,sadd,hset,zadd,lrange_100,mset", "-r", 1000)
        client(*bench, "INCR", "total")
        client(*bench, "-P", 16, "INCRBY", "pipelined", 3)
        verdicts["total"] = client(*cli, "GET", "total").strip() == str(requests)
        verdicts["pipelined"] = client(*cli, "GET", "pipelined").strip() == str(3 * requests)
        verdicts["set and get"] = client(*cli, "SET", "key", "a value") == "OK\n"
        verdicts["value"] = client(*cli, "GET", "key") == "a value\n"
        verdicts["list"] = client(*cli, "RPUSH", "l", *range(1000)).strip() == "1000"
        verdicts["order"] = client(*cli, "LRANGE", "l", 0, -1).split() == [str(i) for i in range(1000)]
        verdicts["snapshot"] = client(*cli, "SAVE") == "OK\n"
        verdicts["child"] = "started" in client(*cli, "BGSAVE")
        verdicts["blocked"] = client(*cli, "BLPOP", "nothing", 0.1).strip() == ""
    # What it wrote is what it reads.
    with runner.server(*words, is_ready=lambda: accepts(port)):
        verdicts["after restart"] = wait_for_load(cli) == str(requests)
    return {name: "ok" if is_good else "wrong" for name, is_good in verdicts.items()}


def wait_for_load(cli):
    for _ in range(100):
        answer = client(*cli, "GET", "total").strip()
        if "LOADING" not in answer:
            return answer
    return "never"


def nginx(runner):
    """wrk's requests all succeed, and files of all sizes come whole."""
    port = free_port()
    files = {f"{size}": hashlib.sha256(b"%d" % size).digest() * size for size in (1, 10, 1000, 100_000)}
    for name, content in files.items():
        (runner.folder / name).write_bytes(content)
    temporary = " ".join(
        f"{kind}_temp_path {runner.folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = runner.folder / "nginx.conf"
    settings.write_text(f"""
        daemon off; worker_processes 2; pid {runner.folder}/pid;
        events {{ worker_connections 256; }}
        http {{ access_log off; sendfile on; aio threads; {temporary}
            server {{ listen 127.0.0.1:{port}; root {runner.folder}; }} }}""")
    verdicts = {}
    words = ["nginx", "-c", settings, "-e", runner.folder / "errors"]
    with runner.server(*words, is_ready=lambda: accepts(port)):
        url = f"http://127.0.0.1:{port}"
        said = client("wrk", "-t", 2, "-c", 32, "-d", "5s", f"{url}/10")
        done = re.search(r"(\d+) requests in", said)
        verdicts["load"] = bool(done) and int(done[1]) > 100 and "Non-2xx" not in said
        verdicts["no errors"] = "Socket errors" not in said
        for name, content in files.items():
            got = subprocess.run(["curl", "-sS", f"{url}/{name}"], capture_output=True, check=False)
            verdicts[f"file {name}"] = got.stdout == content
        status = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}"]
        verdicts["missing"] = client(*status, f"{url}/nothing") == "404"
        verdicts["range"] = client("curl", "-sS", "-r", "5-9", "-w", "%{size_download}", "-o",
                                   "/dev/null", f"{url}/1000") == "5"  # fmt: skip
    return {name: "ok" if is_good else "wrong" for name, is_good in verdicts.items()}


def postgres(runner):
    """pgbench's transactions, and whether the books balance after them and after a restart."""
    port, data = free_port(), runner.folder / "data"
    host = ["-h", runner.folder, "-p", port]

    def ask(sql):
        return client(f"{POSTGRES}/psql", *host, "-d", "postgres", "-Atc", sql).strip()

    def answers():
        words = [f"{POSTGRES}/pg_isready", "-q", *map(str, host)]
        return subprocess.run(words, check=False).returncode == 0

    client(f"{POSTGRES}/initdb", "-D", data, "--auth=trust", "-N")
    server = [f"{POSTGRES}/postgres", "-D", data, "-k", runner.folder, "-p", port, "-h", "",
              "-c", "max_parallel_workers_per_gather=2", "-c", "min_parallel_table_scan_size=0"]  # fmt: skip
    verdicts = {}
    with runner.server(*server, is_ready=answers):
        client(f"{POSTGRES}/pgbench", *host, "-i", "-q", "-s", PGBENCH_SCALE, "postgres")
        said = client(f"{POSTGRES}/pgbench", *host, "-c", 4, "-j", 2, "-T", PGBENCH_S, "postgres")
        done = int(re.search(r"actually processed: (\d+)", said)[1])
        verdicts["no failures"] = "failed transactions: 0" in said
        verdicts["every transaction"] = ask("select count(*) from pgbench_history") == str(done)
        books = "select sum({0}balance) from pgbench_{1}"
        sums = [ask(books.format(*each)) for each in (("a", "accounts"), ("b", "branches"), ("t", "tellers"))]
        sums.append(ask("select sum(delta) from pgbench_history"))
        verdicts["balance"] = len(set(sums)) == 1
        verdicts["locks"] = ask("begin; lock pgbench_branches; select count(*) from pgbench_branches; "
                                "commit").split()[-2:-1] == [str(PGBENCH_SCALE)]  # fmt: skip
        verdicts["sleep"] = ask("select pg_sleep(0.1) is not null") == "t"
    with runner.server(*server, is_ready=answers):
        verdicts["after restart"] = ask("select sum(delta) from pgbench_history") == sums[-1]
    return {name: "ok" if is_good else "wrong" for name, is_good in verdicts.items()}


SUITES = {"redis": (redis, False), "nginx": (nginx, False), "postgresql": (postgres, False)}
