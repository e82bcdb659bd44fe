"""The warehouse of simulated events that the API's figures are tested with."""

from tests.views.analytics.conftest import simulation

__all__ = ["simulation"]
