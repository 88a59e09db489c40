"""What is due, the jobs that do it, and the process that ticks (`digest run`).

    due -> Agenda       what a digest owes now: pure             agenda.py
    Jobs                what is done, one method each            jobs.py
    Service, run        APScheduler's ticks, threads, signals    service.py

When periods end and fall due is `digest.periods`; what became of them is in the store (`store.runs`). The scheduler
remembers nothing.
"""

from digest.schedule.agenda import Agenda, Due, due
from digest.schedule.jobs import Jobs
from digest.schedule.service import Service, run

__all__ = ["Agenda", "Due", "Jobs", "Service", "due", "run"]
