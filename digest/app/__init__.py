"""The only wiring and the only clock: settings in, a publication ready to work out.

App.open(folder)        rooms, introduced to each other     wiring.py
now, environment        time and surroundings come in       edge.py
transport, mailboxes    what leads out of the process       outside.py
folder, key             what an installation keeps          state.py
"""

from digest.app.edge import DISTRIBUTION, environment, now, version
from digest.app.wiring import App

__all__ = ["DISTRIBUTION", "App", "environment", "now", "version"]
