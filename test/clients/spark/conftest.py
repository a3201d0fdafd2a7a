"""One Spark session for the whole suite, a namespace for every test, and the catalog's SQL views.

ICECAT_URL and ICECAT_WAREHOUSE name the server, ICECAT_SPARK_JARS the folder with the Iceberg runtime. With
PGHOST, PGPORT, PGUSER and PGDATABASE set, what Spark says of a table is compared with the SQL views.

SPDX-License-Identifier: PostgreSQL
"""

import glob
import os
import uuid

import psycopg
import pytest
from pyspark.sql import SparkSession

from icecat_spark import CATALOG, URL, WAREHOUSE, Lake


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """Spark on two threads with a small heap."""
    (jar,) = glob.glob(os.environ["ICECAT_SPARK_JARS"] + "/iceberg-spark-runtime-*.jar")
    catalog = f"spark.sql.catalog.{CATALOG}"
    session = (
        SparkSession.builder.master("local[2]")
        .appName("icecat")
        .config("spark.jars", jar)
        .config("spark.driver.memory", "1g")
        # A few rows each: compiling costs more than interpreting.
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
        .config("spark.sql.codegen.wholeStage", "false")
        .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("spark")))
        .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
        .config(catalog, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{catalog}.type", "rest")
        .config(f"{catalog}.uri", URL)
        .config(f"{catalog}.warehouse", WAREHOUSE)
        .config(f"{catalog}.io-impl", "org.apache.iceberg.hadoop.HadoopFileIO")
        .config(f"{catalog}.cache-enabled", "false")
        .config("spark.sql.defaultCatalog", CATALOG)
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def database():
    if "PGHOST" not in os.environ:
        yield None
        return
    with psycopg.connect(autocommit=True) as connection:
        yield connection


@pytest.fixture
def lake(spark, database):
    it = Lake(spark, f"s_{uuid.uuid4().hex[:12]}", database)
    it.run("CREATE NAMESPACE {ns}")
    yield it
    for _, table, _ in it.sql("SHOW TABLES IN {ns}"):
        it.sql("DROP TABLE {t}", table)
    it.run("DROP NAMESPACE {ns}")


@pytest.fixture
def people(lake):
    """A table with three rows in one snapshot."""
    lake.run(
        "CREATE TABLE {t} (id BIGINT NOT NULL, name STRING) USING iceberg",
        "INSERT INTO {t} VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    )
    return lake
