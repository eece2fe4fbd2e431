"""
The task of the job in Databricks: loads what has arrived in a volume.

    land_files.py --catalog CATALOG --volume SCHEMA.VOLUME [--job ID] [--job-run ID]

landing.json beside it says what the entities are. `meetup schema docs` writes both.
"""

import argparse
import datetime
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from meetup_landing.errors import LandingError
from meetup_landing.land import Effects, Options, land
from meetup_landing.lease import Run
from meetup_landing.plan import read_plan


def options_of(arguments: Sequence[str], plan: Path) -> Options:
    parser = argparse.ArgumentParser()
    parser.add_argument("--catalog", required=True)
    parser.add_argument("--volume", required=True)
    parser.add_argument("--job", default="")
    parser.add_argument("--job-run", default="")
    given = parser.parse_args(arguments)
    now = datetime.datetime.now(datetime.timezone.utc)
    run = Run(f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}", given.job, given.job_run)
    return Options(read_plan(plan), given.catalog, given.volume, run)


def now() -> str:
    return f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M:%S.%f}"[:-3]


def main() -> int:
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")

    def run_sql(statement: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in spark.sql(statement).collect()]

    # Databricks runs this file without naming it in `__file__` on some runtimes.
    options = options_of(sys.argv[1:], Path(sys.argv[0]).with_name("landing.json"))
    try:
        land(options, Effects(run_sql, Path("/Volumes"), now, print))
    except LandingError as error:
        sys.exit(str(error))
    return 0


if __name__ == "__main__":
    main()
