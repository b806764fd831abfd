"""``python -m stress`` is the command ``tailstress``."""

import sys

from stress.cli import main

if __name__ == "__main__":
    sys.exit(main())
