"""
Runs pytest in the environment that has dbt, without installing anything there.

    python run_pytest.py DEV_ENVIRONMENT [PYTEST_ARGUMENT…]

pytest lives in the environment of the development tools. Its folder goes to the end of the search path, so that dbt
still gets the versions of its own dependencies that it runs with.
"""

import site
import sys
import sysconfig
from pathlib import Path


def main() -> int:
    environment, *arguments = sys.argv[1:]
    variables = {"base": environment, "platbase": environment}
    site.addsitedir(sysconfig.get_path("purelib", vars=variables))
    sys.path.remove(str(Path(__file__).parent))

    import pytest

    return pytest.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
