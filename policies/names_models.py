"""What policies say of the models that they are told of by name."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


@runtime_checkable
class NamesModels(Protocol):
    """A policy that is told of models by name; before a simulation it is looked whether they exist."""

    def named_models(self) -> Mapping[str, str]:
        """Return each model that is named, by the text that names it."""
        ...
