"""
Runs pytest in the environment that has dbt, without installing anything there.

    python run_pytest.py PACKAGES [PYTEST_ARGUMENT…]

PACKAGES is the folder with the development tools' packages. It is added to the end of the search path, so that dbt
still uses its own versions of its dependencies.
"""

import site
import sys
from pathlib import Path


def main() -> int:
    packages, *arguments = sys.argv[1:]
    site.addsitedir(packages)
    # Python adds this script's own folder.
    sys.path.remove(str(Path(__file__).parent))

    import pytest

    return pytest.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
