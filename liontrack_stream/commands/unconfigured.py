"""What ``faust -A liontrack_stream`` gets for an app while settings are missing."""

from __future__ import annotations

from typing import Any, NoReturn

import click


class MissingSettings(click.ClickException):
    """Faust's command line shows the sentence and exits with 2."""

    exit_code = 2


class UnconfiguredApp:
    """Passes through Faust's preparation of an app; the first real use says which setting is missing."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        self.conf = _UnconfiguredSettings(sentence)

    def finalize(self) -> None:
        """Nothing to finalize."""

    def worker_init(self) -> None:
        """Nothing to set up."""

    def worker_init_post_autodiscover(self) -> None:
        """Nothing was discovered."""

    def __getattr__(self, name: str) -> NoReturn:
        raise MissingSettings(self.sentence)


class _UnconfiguredSettings:
    _origin = "liontrack_stream"
    autodiscover = False

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __getattr__(self, name: str) -> Any:
        raise MissingSettings(self._sentence)
