"""`python -m isim` is the command `isim`."""

from isim.cli import main

main()
