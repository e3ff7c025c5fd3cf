"""A person who signs in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person; of its own class from the start, since that cannot be changed later."""
