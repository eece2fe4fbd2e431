"""
Runs pytest in the environment that has dbt, without installing anything there.

    python run_pytest.py PACKAGES [PYTEST_ARGUMENT…]

PACKAGES is the folder of the development tools' packages. It goes to the end of the search path, so that dbt
still gets the versions of its own dependencies that it runs with.
"""

import site
import sys
from pathlib import Path


def main() -> int:
    packages, *arguments = sys.argv[1:]
    site.addsitedir(packages)
    # Python put this script's own folder there.
    sys.path.remove(str(Path(__file__).parent))

    import pytest

    return pytest.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
