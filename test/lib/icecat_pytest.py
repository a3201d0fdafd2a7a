"""What the suites of servers share in pytest. Each conftest.py imports what it wants from here.

c           a fixture: a PostgreSQL with icecat (cluster.py), one for each file of tests. The file may name its SETTINGS (lines of
            postgresql.conf) and DATABASES (those that get the extension), and prepare(c) makes what its tests start from. Tests
            run in the order of the file, and find what those before them have left.
program     a fixture: the gateway, as built here or as ICECAT_GATEWAY names it; without it the test is skipped.
gateway     a fixture: that program before c, one for each file of tests.
last line   "N passed, N failed", as every suite ends; errors outside of a test count as failures.
old form    a file that runs by itself and speaks TAP (cluster.main) is one test.

SPDX-License-Identifier: PostgreSQL
"""
import os
import subprocess
import sys

import harness
import pytest
from cluster import LOG_LINES, Cluster

LIB = os.path.dirname(os.path.abspath(__file__))
BUILT = os.path.abspath(os.path.join(LIB, "..", "..", "contrib-gateway", "build", "icecat-gateway"))


@pytest.fixture(scope="module")
def c(request):
    cluster = Cluster(getattr(request.module, "SETTINGS", ()), getattr(request.module, "DATABASES", ("postgres",)))
    try:
        if hasattr(request.module, "prepare"):
            request.module.prepare(cluster)
        yield cluster
    finally:
        cluster.close()


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("ICECAT_GATEWAY", BUILT)
    if not os.access(path, os.X_OK):
        pytest.skip("the gateway is not built")
    return path


@pytest.fixture(scope="module")
def gateway(c, program):
    with harness.Gateway(program, c.dsn, c.dir) as running:
        yield running


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A test that failed shows the end of what the server has logged since it began."""
    outcome = yield
    report = outcome.get_result()
    cluster = getattr(item, "funcargs", {}).get("c")
    if cluster is None or not os.path.exists(os.path.join(cluster.dir, "log")):
        return
    if report.when == "setup" and report.passed:
        item.logged_before = len(cluster.log_text())
    elif report.failed:
        lines = cluster.log_text()[getattr(item, "logged_before", 0):].splitlines()
        left_out = [f"({len(lines) - LOG_LINES} lines before)"] if len(lines) > LOG_LINES else []
        report.sections.append(("server log", "\n".join(left_out + lines[-LOG_LINES:])))
        cluster.keep_log()


def pytest_unconfigure(config):
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        stats = reporter.stats
        failed = len(stats.get("failed", ())) + len(stats.get("error", ()))
        reporter.write_line(f"{len(stats.get('passed', ()))} passed, {failed} failed")


# -- files of the old form -------------------------------------------------------------------------------------

class TapProgram(pytest.File):
    def collect(self):
        yield TapRun.from_parent(self, name="whole")


class TapRun(pytest.Item):
    def runtest(self):
        path = os.pathsep.join([LIB, os.path.join(LIB, "..", "gateway"), os.path.join(LIB, "..", "tap"), os.environ.get("PYTHONPATH", "")])
        result = subprocess.run([sys.executable, str(self.path)], env=dict(os.environ, PYTHONPATH=path), text=True, check=False,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode != 0:
            lines = [line for line in result.stdout.splitlines() if not line.startswith("ok ")]
            pytest.fail("\n".join(lines), pytrace=False)

    def reportinfo(self):
        return self.path, None, f"{self.path.name}"


def is_old_form(path):
    return path.suffix == ".py" and not path.name.startswith("tests_") and "__main__" in path.read_text()


def pytest_collect_file(file_path, parent):
    if is_old_form(file_path) and not parent.session.isinitpath(file_path):
        return TapProgram.from_parent(parent, path=file_path)
    return None


def pytest_pycollect_makemodule(module_path, parent):
    """A file that the command line names is a module for pytest, whatever its name."""
    return TapProgram.from_parent(parent, path=module_path) if is_old_form(module_path) else None
