"""`python -m standins`: what `make run` starts."""

import sys

from standins.run.demo import main

if __name__ == "__main__":
    sys.exit(main())
