"""The forms of the Prefect UI: what a person can set when starting a run.

The server refuses unknown names, wrong types and values out of bounds before a run starts. The text
below a field is its description in the form.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import ConfigDict, Field

from hertz.core.strict import Strict
from hertz.storage.settings import Settings, load_settings


class Voice(StrEnum):
    """The writer of new explanations."""

    MODEL = "model"
    TEMPLATE = "template"


class HomeOptions(Strict):
    """The form of runs that use the published profiles."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    policy: str = Field("hertz.toml", min_length=1, max_length=4096, title="Policy file")
    """Policy and settings file; a relative path starts at the project's folder."""
    home: str = Field("", max_length=4096, title="Home")
    """Home directory. Empty: HERTZ_HOME, or the policy file's."""

    def settings(self) -> Settings:
        """Loads the settings that these values name.

        Raises:
            PolicyError: If the policy file is missing or wrong.
        """
        return load_settings(Path(self.policy), Path(self.home) if self.home else None)


class ProfileOptions(HomeOptions):
    """The form of runs that read the source."""

    source: str = Field("", max_length=4096, title="Profiles")
    """Profiles: a .parquet, .csv or .jsonl file, or a folder of Parquet files. Empty: the policy
    file's source."""

    def settings(self) -> Settings:
        """Loads the settings that these values name."""
        home = Path(self.home) if self.home else None
        return load_settings(Path(self.policy), home, self.source or None)


class NightOptions(ProfileOptions):
    """The form of a whole night."""

    explanations: Voice = Field(Voice.MODEL, title="Who explains")
    """model: the language model writes the most valuable pairs. template: no model is started;
    explanations of unchanged pairs are kept, the others come from the template voice."""
    full: bool = Field(False, title="Match all users")
    """Also if few users changed; the lists are the same."""


class RecomputeOptions(ProfileOptions):
    """The form of runs that match without a language model."""

    full: bool = Field(False, title="Match all users")
    """Also if few users changed and the published lists could be brought up to date; the lists are
    the same."""
    then_explain: bool = Field(True, title="Then explain")
    """Start generate-explanations on the same home after this run has published, if the policy file
    names a language model."""

    @property
    def explained_next(self) -> bool:
        """Whether generate-explanations follows this run."""
        return self.then_explain and bool(self.settings().explanations.model)


class ExplainOptions(HomeOptions):
    """The form of runs that explain the published matches."""

    budget: int | None = Field(None, ge=0, le=10_000_000, title="Pairs for the model")
    """Number of pairs, most valuable first, for the model. Empty: the policy file's."""

    def settings(self) -> Settings:
        """Loads the settings that these values name."""
        settings = super().settings()
        if self.budget is None:
            return settings
        chosen = settings.explanations.model_copy(update={"budget": self.budget})
        return settings.model_copy(update={"explanations": chosen})


class ForgetOptions(HomeOptions):
    """The form of runs that forget a user."""

    user_id: int = Field(ge=1, le=2**63 - 1, title="User id")
    """Id of the user to forget."""
    verify: bool = Field(False, title="Only search")
    """Erase nothing: search every byte of the home, and fail if the user is found."""


class RollbackOptions(HomeOptions):
    """The form of runs that publish an older snapshot again."""

    run_id: str = Field("", pattern=r"^([0-9]{8}T[0-9]{6}Z-[0-9a-f]{4})?$", title="Run id")
    """The snapshot to publish again. Empty: the one before the published one."""


class CleanupOptions(HomeOptions):
    """The form of runs that remove old snapshots and unused vectors."""

    keep: int | None = Field(None, ge=1, le=1000, title="Snapshots to keep")
    """Number of newest snapshots to keep; the published one stays. Empty: the policy file's."""
    held: bool = Field(False, title="Held snapshots too")
    """Also remove snapshots that the gate held."""
