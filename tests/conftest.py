"""What holds for all tests: nothing is written outside their own folders."""

from __future__ import annotations

import os
import tempfile

# Where an installation notes that it is the one that sends (digest.deliver.Fence); children of tests inherit it.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="digest-tests-")
