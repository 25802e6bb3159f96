"""``python -m musyq_lab.cli``."""

from musyq_lab.cli import main

if __name__ == "__main__":
    main()
