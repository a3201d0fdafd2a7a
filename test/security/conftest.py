"""Attacks that were tried on the catalog, each as a test that says what must not happen. See run.

SPDX-License-Identifier: PostgreSQL
"""
from icecat_pytest import (  # noqa: F401  pylint: disable=unused-import
    c, gateway, program, pytest_collect_file, pytest_pycollect_makemodule, pytest_runtest_makereport, pytest_unconfigure)
