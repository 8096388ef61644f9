"""What several folders of tests use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# A slow moment of the machine is no failure. CI draws the same examples every time: what others find is of no change
# in particular, and is found by whoever runs the tests by hand.
settings.register_profile("any machine", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("any machine")

# Whoever tests under nohup, or behind an ampersand, ignores these; so would the processes that tests interrupt.
for number, usual in ((signal.SIGHUP, signal.SIG_DFL), (signal.SIGINT, signal.default_int_handler)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real measurements and traces, which stand beside the repository; skip where they do not."""
    folder = Path(os.environ.get("ISIM_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real data in {folder}; name their folder in ISIM_SHARED_DATA")
    return folder
