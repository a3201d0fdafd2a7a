"""Runs the load generators of a benchmark: pgbench, and drive for HTTP. A measurement is a dict with rate, p50_ms, p99_ms, done (operations
within the time), landed (changes that were acknowledged), and what else came."""
# SPDX-License-Identifier: PostgreSQL
import glob
import json
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLED = 0.1           # of pgbench's transactions, for the percentiles: a log of all of them would cost it too much


def percentile(times, percent):
    return times[(len(times) - 1) * percent // 100] if times else 0.0


def pgbench_times(folder):
    """Latencies in ms, in order."""
    times = []
    for name in glob.glob(os.path.join(folder, "log*")):
        with open(name, encoding="ascii") as file:
            times += [int(line.split()[2]) / 1000 for line in file]
    return sorted(times)


def pgbench(options, script, variables=None, lands=False):
    """One run of a script of test/bench/sql."""
    with tempfile.TemporaryDirectory() as folder:
        command = [options.pgbench, "-n", "-M", "prepared", "-c", str(options.clients), "-j", "2", "-T", str(max(1, round(options.seconds))),
                   "-l", "--sampling-rate", str(SAMPLED), "--log-prefix", os.path.join(folder, "log"),
                   "-f", os.path.join(HERE, "sql", script + ".sql")]
        for name, value in (variables or {}).items():
            command += ["-D", f"{name}={value}"]
        ran = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        rate = re.search(r"tps = ([\d.]+)", ran.stdout)
        done = re.search(r"actually processed: (\d+)", ran.stdout)
        if ran.returncode or not rate or not done:
            raise RuntimeError(f"{script}: {ran.stdout[:1000]}")
        times = pgbench_times(folder)
    return {"rate": float(rate.group(1)), "p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99), "done": int(done.group(1)),
            "landed": int(done.group(1)) if lands else 0, "wrong": 0}


class Drive:
    """The load generator for HTTP, which runs from its creation until result()."""

    def __init__(self, options, **more):
        more = {"clients": options.clients, "seconds": options.seconds, **more}
        command = [options.drive, "--port", str(options.gateway_port)]
        for name, value in more.items():
            command += ["--" + name, str(value)]
        self.name = " ".join(command[3:])
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def result(self):
        out, why = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"{self.name}: {why.strip()}")
        found = json.loads(out)
        found["rate"] = found["done"] / found["seconds"]
        bad = ["%s: %d" % (name, found[name]) for name in ("wrong", "broken", "bare", "unfinished") if found[name]]
        if bad:
            found["failed"] = f"{', '.join(bad)} {found['first_wrong']}".strip()
        return found


def drive(options, **more):
    return Drive(options, **more).result()
