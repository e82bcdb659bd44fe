"""``liontrack token``: a token for development."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import load_settings

ROLES = ("user", "ranger", "admin", "producer")
_HOURS_MAX = 24.0 * 366


class Token(LionTrackCommand):
    """Mint a token for the API, signed with JWT_SECRET: for development, in place of whoever signs in production.

    The token alone goes to stdout, until when it holds to stderr. Whoever has it is that user to the API: a ranger
    and an admin see exact positions, an admin all users. A producer may push events, and see what anybody sees.

    \b
    Examples:
      liontrack token --id u1 --role ranger
      liontrack token --id u1 --role admin --role ranger --hours 0.5
      liontrack token --id collar-gateway --role producer --hours 8760
      curl -H "Authorization: Bearer $(liontrack token --id u1 --role admin)" \\
        http://127.0.0.1:4001/api/analytics/users/u1/engagement

    Exit codes: 0 printed, 2 wrong usage, a setting is missing, or JWT_SECRET is weak.
    """

    options = [
        option("--id", "user_id", required=True, help="The user's id."),
        option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be given again.  [default: none]"),
        option(
            "--hours",
            type=click.FloatRange(min=0, max=_HOURS_MAX, min_open=True),
            default=12.0,
            show_default=True,
            help="How long it holds.",
        ),
        data_dir_option,
    ]

    def run(self, user_id: str, roles: tuple[str, ...], hours: float, data_dir: Path | None) -> None:
        """Sign and print."""
        from liontrack_stream.views.access import Viewer, token_of
        from liontrack_stream.views.parameters import is_id

        if not is_id(user_id):
            raise CommandError("--id is no id of a user.", Exit.USAGE)
        secret = load_settings(use_data_dir(data_dir)).require_jwt_secret()
        now = datetime.now(UTC)
        until = now + timedelta(hours=hours)
        click.echo(token_of(Viewer(user_id, frozenset(roles)), secret, now, until))
        click.echo(
            f"Holds until {until:%Y-%m-%d %H:%M} UTC. For development: it opens what {user_id} may see.", err=True
        )
