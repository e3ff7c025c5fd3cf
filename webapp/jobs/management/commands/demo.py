"""`manage.py demo`: accounts to look around with, made once."""

from typing import Any

from django.core.management.base import BaseCommand

from webapp.teams.demo import make_demo_accounts


class Command(BaseCommand):
    """Makes the demo accounts of a fresh installation and prints their passwords."""

    help = "Make demo accounts where nobody has an account yet; their passwords are printed once."

    def handle(self, *_args: object, **_options: Any) -> None:  # Any: options of the command line
        """Make them, or do nothing."""
        passwords = make_demo_accounts()
        if not passwords:
            return
        self.stdout.write("Demo accounts, shown this once:")
        for name, password in passwords.items():
            self.stdout.write(f"  {name:<6} {password}")
