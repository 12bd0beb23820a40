"""The refusals of canned jobs."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class CannedJobNotFound(NotFound):
    """No such canned job in this workshop."""

    code, title = "canned_job_not_found", "Canned job not found."


class CannedJobNameTaken(Conflict):
    """Another canned job of the workshop has the name."""

    code, title = "canned_job_name_taken", "Another canned job has this name."


class CannedJobOutdated(Conflict):
    """A part of the job was taken out of the inventory since."""

    code, title = "canned_job_outdated", "A part of the canned job is not in the inventory any more."


class TooManyCannedJobs(Conflict):
    """A workshop has a bounded number of canned jobs."""

    code, title = "too_many_canned_jobs", "The workshop has as many canned jobs as it may."
