"""What pages say of a kind of job."""

from django import template
from django.urls import reverse

from webapp.jobs import answer, question
from webapp.jobs.kinds import KINDS
from webapp.jobs.models import Job

register = template.Library()

register.filter("model_words", answer.model_words)
register.filter("budget_words", question.budget_words)


@register.filter
def start_again(job: Job) -> str:
    """Return the address of the form that starts from a job's settings."""
    return f"{reverse(KINDS[job.kind].form)}?from={job.pk}"
