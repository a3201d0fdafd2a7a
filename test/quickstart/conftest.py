"""SPDX-License-Identifier: PostgreSQL"""
from icecat_pytest import pytest_unconfigure  # noqa: F401  pylint: disable=unused-import
